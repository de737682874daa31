"""The ledger balances at every commit and is never rewritten; published scales and what they priced stay as they are."""

from django.db import migrations

KEEP = """
create function contracts_entry_balances() returns trigger language plpgsql as $$
declare
  key uuid := case tg_table_name when 'contracts_entry' then (to_jsonb(new) ->> 'id')::uuid
                                 else (to_jsonb(new) ->> 'entry_id')::uuid end;
begin
  if (select count(*) < 2 or sum(amount) <> 0 from contracts_posting where entry_id = key) then
    raise exception 'debit and credit of an entry differ' using errcode = 'integrity_constraint_violation',
      constraint = 'contracts_entries_balance';
  end if;
  return null;
end $$;

create constraint trigger contracts_entries_balance after insert on contracts_entry
  deferrable initially deferred for each row execute function contracts_entry_balances();
create constraint trigger contracts_postings_balance after insert on contracts_posting
  deferrable initially deferred for each row execute function contracts_entry_balances();

create function contracts_ledger_keep() returns trigger language plpgsql as $$
begin
  raise exception 'what is entered stays; it is reversed by an entry of its own'
    using errcode = 'integrity_constraint_violation', constraint = 'contracts_the_ledger_is_only_added_to';
end $$;

create trigger contracts_entries_stay before update or delete on contracts_entry
  for each row execute function contracts_ledger_keep();
create trigger contracts_postings_stay before update or delete on contracts_posting
  for each row execute function contracts_ledger_keep();

create function contracts_scale_keep() returns trigger language plpgsql as $$
declare ends constant text[] := '{period}';
begin
  if old.published_at is not null and (
    tg_op = 'DELETE' or to_jsonb(new) - ends <> to_jsonb(old) - ends or not new.period <@ old.period
    or lower(new.period) <> lower(old.period)
  ) then
    raise exception 'a published scale only ends' using errcode = 'integrity_constraint_violation',
      constraint = 'contracts_published_scales_never_change';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $$;

create trigger contracts_published_scales_never_change before update or delete on contracts_scale
  for each row execute function contracts_scale_keep();

create function contracts_price_keep() returns trigger language plpgsql as $$
begin
  if exists (
    select from contracts_scale
    where published_at is not null and id in (
      case when tg_op <> 'INSERT' then old.scale_id end, case when tg_op <> 'DELETE' then new.scale_id end
    )
  ) then
    raise exception 'the prices of a published scale never change' using errcode = 'integrity_constraint_violation',
      constraint = 'contracts_published_prices_never_change';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $$;

create trigger contracts_published_prices_never_change before insert or update or delete on contracts_price
  for each row execute function contracts_price_keep();

create function contracts_fee_keep() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.taken_back_at is not null
     or to_jsonb(new) - 'taken_back_at' <> to_jsonb(old) - 'taken_back_at' then
    raise exception 'a fee is only taken back' using errcode = 'integrity_constraint_violation',
      constraint = 'contracts_fees_are_only_taken_back';
  end if;
  return new;
end $$;

create trigger contracts_fees_are_only_taken_back before update or delete on contracts_fee
  for each row execute function contracts_fee_keep();
"""

LET_GO = """
drop trigger contracts_fees_are_only_taken_back on contracts_fee;
drop trigger contracts_published_prices_never_change on contracts_price;
drop trigger contracts_published_scales_never_change on contracts_scale;
drop trigger contracts_postings_stay on contracts_posting;
drop trigger contracts_entries_stay on contracts_entry;
drop trigger contracts_postings_balance on contracts_posting;
drop trigger contracts_entries_balance on contracts_entry;
drop function contracts_fee_keep();
drop function contracts_price_keep();
drop function contracts_scale_keep();
drop function contracts_ledger_keep();
drop function contracts_entry_balances();
"""


class Migration(migrations.Migration):
    """Keep the ledger, scales and fees."""

    dependencies = (("contracts", "0003_pre_pay"),)
    operations = (migrations.RunSQL(KEEP, LET_GO),)
