"""What every template may use: icons, durations, addresses of lists, and the ends of long tables."""

from django import template
from django.conf import settings
from django.forms import BoundField
from django.http import QueryDict
from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext

from wasl.accounts.queries import ROLE_TITLES
from wasl.kernel.http import Listing, Request
from wasl.kernel.text import written, written_money

register = template.Library()


@register.simple_tag
def icon(name: str, title: str = "") -> SafeString:
    """An icon of the sprite; it is silent for screen readers unless it has a title of its own."""
    address = f"{static('vendor/icons.svg')}#{name}"
    if title:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', title, address)
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', address)


@register.filter
def duration(seconds: float | None) -> str:
    """A time span as people say it, in its two largest units: `45 s`, `12 min`, `1 h 20`, `3 d 4 h`."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 60:
        return gettext("{seconds} s").format(seconds=whole)
    if minutes < 60:
        return gettext("{minutes} min").format(minutes=minutes)
    if hours < 24:
        return gettext("{hours} h {minutes:02d}").format(hours=hours, minutes=minutes % 60)
    if hours % 24 == 0:
        return ngettext("{days} day", "{days} days", days).format(days=days)
    return gettext("{days} d {hours} h").format(days=days, hours=hours % 24)


@register.filter
def money(amount: int) -> str:
    """An amount of the currency's smallest unit, as people of the country write it: `12,500 DT`."""
    return written_money(amount, language=(get_language() or settings.LANGUAGE_CODE)[:2])


@register.filter
def role(name: str) -> str:
    """A role's title in the language in force."""
    return str(ROLE_TITLES.get(name, name))


@register.filter
def plain_name(name: str) -> str:
    """A name as an image carries it, as people write it."""
    return " · ".join(written(name))


@register.filter
def control(field: BoundField) -> SafeString:
    """A form's field in Tabler's clothes, tied to its help and its errors for those who hear the page."""
    kinds = {"select": "form-select", "checkbox": "form-check-input", "radioselect": ""}
    attrs: dict[str, str | bool] = {
        "class": f"{kinds.get(field.widget_type, 'form-control')} {field.field.widget.attrs.get('class', '')}".strip()
    }
    told = [f"{field.auto_id}_help"] if field.help_text else []
    if field.errors:
        attrs["class"] = f"{attrs['class']} is-invalid"
        attrs["aria-invalid"] = "true"
        told.append(f"{field.auto_id}_errors")
    if told:
        attrs["aria-describedby"] = " ".join(told)
    return field.as_widget(attrs=attrs)


@register.simple_tag(takes_context=True)
def address(context: template.Context, **changes: object) -> str:
    """The query string of this page with some parameters changed (an empty value drops one), without its `?`."""
    request: Request = context["request"]
    return _changed(request.GET, changes).urlencode()


def _changed(now: QueryDict, changes: dict[str, object]) -> QueryDict:
    query = now.copy()
    for name, value in changes.items():
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = str(value)
    return query


@register.inclusion_tag("_pages.html")
def pages(listing: Listing) -> dict[str, object]:  # type: ignore[type-arg]  # whatever its rows are
    """The foot of a list: how many there are, and the way to the other pages."""
    page = listing.page
    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    return {
        "page": page,
        "links": [(number, listing.address(page=number) if isinstance(number, int) else "") for number in numbers],
        "before": listing.address(page=page.previous_page_number()) if page.has_previous() else "",
        "after": listing.address(page=page.next_page_number()) if page.has_next() else "",
    }


@register.inclusion_tag("_sort.html")
def sort(listing: Listing, field: str, title: str | Promise) -> dict[str, object]:  # type: ignore[type-arg]
    """The head of a column that sorts its list: a second press turns the order round."""
    order = {field: "ascending", f"-{field}": "descending"}.get(listing.sort, "")
    turned = f"-{field}" if order == "ascending" else field
    return {"title": title, "order": order, "address": listing.address(sort=turned, page=1)}
