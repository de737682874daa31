import pytest
from tests.cast import cast
from tests.edges.dicomweb import arrive, service, URL
from tests import make


@pytest.mark.django_db(transaction=True)
def test_x(settings, tmp_path):
    settings.STORAGE = tmp_path
    stage = cast()
    study = arrive("693_UNCI.dcm", by=stage.sami, place=stage.regional)
    with service(stage.sami) as c:
        for u in [
            "/studies",
            f"/studies/{study.uid}/series",
            f"/studies/{study.uid}/instances",
            f"/studies/{study.uid}/metadata",
            f"/studies/{study.uid}/thumbnail",
            f"/studies/{study.uid}",
            "/studies?PatientName=*",
            "/series?Modality=CT",
            "/instances?includefield=all",
        ]:
            r = c.get(u)
            print(
                u, r.status_code, r.headers, r.content[:1500] if "json" in r.headers["content-type"] else len(r.content)
            )
    assert 0
