"""Every page's address: the module's name, then what its views say."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from wasl.floors import MODULES

urlpatterns: list[URLPattern | URLResolver] = [path("", include("wasl.edges.web.urls"))]
for module in MODULES:
    if find_spec(f"wasl.{module}.views"):
        views = import_module(f"wasl.{module}.views")
        urlpatterns.append(path(f"{module}/", include((views.urlpatterns, module))))
