"""A real kernel runs a cell, and the saved notebook holds what it showed."""

import nbformat
from nbclient import NotebookClient

SOURCE = """
import time
from container_magics.engines.events import Vertex, VertexLog
from container_magics.engines.follow import follow
from container_magics.engines.results import BuildResult
from container_magics.views.progress.notebook import NotebookProgress
from tests.views.values import done, image, running

def build(emit, cancel):
    emit(Vertex("a", "[1/3] FROM x"))
    emit(done("a", "[1/3] FROM x", cached=True))
    for digest in "bc":
        start = time.time()
        emit(running(digest, f"[{digest}] RUN make", start))
        for number in range(600):
            emit(VertexLog(digest, 1, f"line {number} of {digest} <b>\\n".encode()))
            if number % 200 == 0:
                time.sleep(0.2)
        emit(done(digest, f"[{digest}] RUN make", start, time.time(), layer_size=1000))
    return BuildResult(image(), 3, 1, 1.0)

result = NotebookProgress("Building app").follow(follow(build))
"""


def test_a_saved_notebook_reads_the_same_without_a_kernel(pytestconfig):
    cells = [nbformat.v4.new_code_cell(SOURCE), nbformat.v4.new_code_cell("result.steps")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(pytestconfig.rootpath)}}
    )
    client.execute()
    saved = nbformat.reads(nbformat.writes(notebook), as_version=4)
    outputs = saved.cells[0].outputs
    assert [output.output_type for output in outputs] == ["display_data"] * 5
    texts = [output.data["text/plain"] for output in outputs]
    assert texts[0] == "Building app"
    assert texts[1] == "✓  [1/3] FROM x  CACHED"
    assert texts[2].startswith("✓  [b] RUN make  ")
    assert texts[3].startswith("✓  [c] RUN make  ")
    assert texts[4].startswith("✓ Built app:latest")
    for digest, output in zip("bc", outputs[2:4], strict=True):
        html = output.data["text/html"]
        assert "<details>" in html
        assert f"line 0 of {digest} &lt;b&gt;" in html
        assert f"line 599 of {digest}" in html
        assert "100 lines left out" in html
    assert len(saved.cells[1].outputs) == 1
