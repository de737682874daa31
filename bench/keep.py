"""How long a study of 1,635 files (356 MB) takes: onto the local disk, into a bucket file by file, into it in packs.

Local disk is what reception does (each file and its folder flushed); the bucket is a real S3 server (nanio) on this
machine and its disk. Only the ratios travel from one machine to another. Nothing is asserted.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FILES, SIZE, TURNS = 1635, 218_000, 2
KEYS = {"NANIO_ACCESS_KEY": "bench", "NANIO_SECRET_KEY": "bench bench"}


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """An S3 server with an empty bucket; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "bench").mkdir(parents=True)
    words = ["--data-dir", str(folder), "--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    process = subprocess.Popen(
        [sys.executable, "-m", "nanio", "serve", *words], env={**os.environ, **KEYS}, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def seconds(act: Callable[[], object]) -> float:
    """How long something takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def measure(work: Path) -> dict[str, float]:
    """Everything once, in turn."""
    import obstore

    from wasl.archive.queries import Bucket
    from wasl.archive.services import put
    from wasl.archive.services.copying import _packs, members
    from wasl.archive.services.uploading import put_together

    content = [os.urandom(SIZE) for _ in range(8)]
    names: list[tuple[str, int]] = []
    took = {"local disk": seconds(lambda: names.extend((put([content[n % 8]]).path, SIZE) for n in range(FILES)))}
    bucket = Bucket.ours()
    if bucket is None:
        raise SystemExit("The bucket has no address.")

    def one(name: str) -> None:
        obstore.put(bucket.store, f"single/{time.perf_counter_ns()}/{name}", content[0])

    took["file by file, 1 client"] = seconds(lambda: [one(name) for name, _ in names])
    with ThreadPoolExecutor(10) as pool:
        took["file by file, 10 clients"] = seconds(lambda: list(pool.map(one, [name for name, _ in names])))
    packs = [put_together(bucket, [])]

    def pack() -> None:
        packs[:] = [put_together(bucket, group) for group in _packs(names)]

    took["packs"] = seconds(pack)

    def prove() -> None:
        for copies in packs:
            for copy, digests in members(bucket, copies[0].key, copies):
                if digests is None or digests.whole != copy.sha256:
                    raise SystemExit("A pack does not hold what was put there.")

    took["packs, read back and hashed"] = took["packs"] + seconds(prove)
    return took


def main() -> None:
    """Measure all ways in turn, twice, and print the better of each."""
    work = Path(tempfile.mkdtemp(prefix="wasl-bench-"))
    try:
        with server(work / "s3") as url:
            os.environ |= {
                "WASL_DATA": str(work / "home"), "DJANGO_SETTINGS_MODULE": "wasl.settings", "WASL_S3_URL": url,
                "WASL_S3_BUCKET": "bench", "WASL_S3_KEY": "bench", "WASL_S3_SECRET": "bench bench",
            }  # fmt: skip
            import django

            django.setup()
            turns = [measure(work) for _ in range(TURNS)]
    finally:
        shutil.rmtree(work)
    best = {way: min(turn[way] for turn in turns) for way in turns[0]}
    print(f"{FILES} files, {FILES * SIZE / 1e6:.0f} MB:")
    for way, time_taken in best.items():
        print(f"  {way}: {time_taken:.1f} s, {time_taken / best['local disk']:.2f} x local disk")


if __name__ == "__main__":
    main()
