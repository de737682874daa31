"""The journal keeps itself: facts are chained by their hashes at commit, and can be neither changed nor removed.

A transaction seals its facts at its very end (a deferred trigger), in one of sixteen chains chosen by its number: the
lock on a chain's head is held for the commit alone, and no transaction waits for two heads.
"""

from django.contrib.postgres.operations import BtreeGistExtension, TrigramExtension
from django.db import migrations

SEAL = """
create function kernel_fact_hash(before bytea, fact kernel_fact) returns bytea language sql immutable as $$
  select sha256(before || convert_to(jsonb_build_array(
    fact.seq, fact.name, extract(epoch from fact.at)::text, fact.actor, fact.place, fact.subject, fact.data
  )::text, 'UTF8'))
$$;

create function kernel_fact_seal() returns trigger language plpgsql as $$
declare
  chosen smallint := (pg_current_xact_id()::text::numeric % 16)::smallint;
  head kernel_chain;
  sealed bytea;
begin
  insert into kernel_chain (number, length, hash) values (chosen, 0, '') on conflict do nothing;
  select * into head from kernel_chain where number = chosen for update;
  update kernel_fact set chain = chosen, position = head.length + 1, hash = kernel_fact_hash(head.hash, new)
    where seq = new.seq returning hash into sealed;
  update kernel_chain set length = head.length + 1, hash = sealed where number = chosen;
  return null;
end $$;

create constraint trigger kernel_facts_are_sealed after insert on kernel_fact
  deferrable initially deferred for each row execute function kernel_fact_seal();

create function kernel_fact_keep() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.hash is null and new.hash is not null
     and (new.seq, new.name, new.at, new.actor, new.place, new.subject, new.data)
         is not distinct from (old.seq, old.name, old.at, old.actor, old.place, old.subject, old.data)
  then return new; end if;
  raise exception 'the journal is only ever added to' using errcode = 'integrity_constraint_violation';
end $$;

create trigger kernel_facts_are_kept before update or delete on kernel_fact
  for each row execute function kernel_fact_keep();

-- pages that are open somewhere learn that something happened, once it is committed
create function kernel_fact_announce() returns trigger language plpgsql as $$
begin
  perform pg_notify('facts', json_build_object(
    'seq', new.seq, 'name', new.name, 'place', new.place, 'subject', new.subject)::text);
  return null;
end $$;

create trigger kernel_facts_are_announced after insert on kernel_fact
  for each row execute function kernel_fact_announce();
"""

UNSEAL = """
drop trigger kernel_facts_are_announced on kernel_fact;
drop trigger kernel_facts_are_kept on kernel_fact;
drop trigger kernel_facts_are_sealed on kernel_fact;
drop function kernel_fact_announce(); drop function kernel_fact_keep();
drop function kernel_fact_seal(); drop function kernel_fact_hash(bytea, kernel_fact);
"""


class Migration(migrations.Migration):
    """Seal the journal."""

    dependencies = (("kernel", "0001_initial"),)
    operations = (BtreeGistExtension(), TrigramExtension(), migrations.RunSQL(SEAL, UNSEAL))
