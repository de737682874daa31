// How the reader wants series laid out: asked for while the viewer loads, and given to it as a hanging protocol of its own
// kind. A series is known again by what tells it: modality, what it is called, plane, number.
"use strict";
(() => {
  const { wasl, config } = window;
  const asked = new URLSearchParams(location.search);
  const studies = asked.getAll("StudyInstanceUIDs").join(",").split(",");
  const earlier = studies.length > 1;
  const WAIT = 20000; // milliseconds, less than the viewer itself takes to come on a thin line; then it starts without
  const TELLS = { description: 8, plane: 4, number: 2 }; // how much each says of which series is meant
  const scroll = { type: "imageSlice", id: "slices", source: true, target: true };

  // as it is kept and compared
  const written = (text) => String(text ?? "").replace(/[\\\p{C}\p{Z}]+/gu, " ").trim().slice(0, 64).trim();

  // in which plane a series is cut
  function plane(set) {
    const [a, b, c, d, e, f] = set.instances?.[0]?.ImageOrientationPatient || [];
    if (f === undefined) return "";
    const normal = [b * f - c * e, c * d - a * f, a * e - b * d].map(Math.abs);
    const most = Math.max(...normal);
    return most < 0.8 ? "oblique" : ["sagittal", "coronal", "axial"][normal.indexOf(most)];
  }

  // what tells a series
  function told(set) {
    const number = set.SeriesNumber === undefined || set.SeriesNumber === null ? NaN : Number(set.SeriesNumber);
    return {
      modality: set.Modality,
      description: written(set.SeriesDescription),
      number: Number.isInteger(number) ? number : null,
      plane: plane(set),
    };
  }

  const like = (box, series) =>
    Object.keys(TELLS).reduce((sum, what) => {
      const [wanted, here] = [box[what], series[what]];
      return sum + (wanted !== "" && wanted !== null && wanted === here ? TELLS[what] : 0);
    }, 0);

  // which series stands in each place: what is most alike first, each series for one kind of place; what no series is like
  // takes those that are left, in their order. Places that are told alike show the same series, as for two windows of greys
  function placed(boxes, sets) {
    const keys = boxes.map((box) => JSON.stringify({ ...box, window: null }));
    const kinds = [...new Set(keys)];
    const series = sets.map(told);
    const found = new Map();
    const taken = new Set();
    const pairs = kinds.flatMap((key, kind) => {
      const box = JSON.parse(key);
      return series.map((one, at) => ({ key, kind, at, fits: one.modality === box.modality, score: like(box, one) }));
    });
    pairs.sort((one, other) => other.score - one.score || one.kind - other.kind || one.at - other.at);
    for (const { key, at, fits } of pairs) {
      if (!fits || found.has(key) || taken.has(at)) continue;
      found.set(key, sets[at]);
      taken.add(at);
    }
    return keys.map((key) => found.get(key));
  }

  // the viewer asks of each series whether it is the one of a place, which its rule (`this`) names; without the others
  // beside it, it may be any
  function isPlaced(set, options) {
    if (!options?.displaySets) return true;
    const sets = options.displaySets.filter(({ numImageFrames }) => numImageFrames > 0);
    sets.sort((one, other) => (Number(one.SeriesNumber) || 0) - (Number(other.SeriesNumber) || 0));
    const boxes = wasl.layout.boxes.filter((box) => box && box.earlier === this.box.earlier);
    return placed(boxes, sets)[boxes.indexOf(this.box)] === set;
  }

  function viewportOf(box, place) {
    const options = { viewportType: "stack", toolGroupId: "default", allowUnmatchedView: true };
    if (earlier) options.syncGroups = [scroll];
    if (!box) return { viewportOptions: options, displaySets: [] };
    const voi = box.window && { windowCenter: box.window[0], windowWidth: box.window[1] };
    return { viewportOptions: options, displaySets: [{ id: `place${place}`, options: voi ? { voi } : {} }] };
  }

  function selectorOf(box) {
    const equals = (value) => ({ equals: { value } });
    const constraint = equals(Number(box.earlier));
    return {
      studyMatchingRules: [{ attribute: "studyInstanceUIDsIndex", from: "options", required: true, constraint }],
      seriesMatchingRules: [{ attribute: "waslPlaced", box, required: true, constraint: equals(true) }],
    };
  }

  function protocolOf({ name, rows, columns, boxes }, id) {
    const places = boxes.map((box, place) => [box, place]).filter(([box]) => box);
    return {
      id,
      name,
      protocolMatchingRules: [],
      toolGroupIds: ["default"],
      numberOfPriorsReferenced: Number(earlier),
      displaySetSelectors: Object.fromEntries(places.map(([box, place]) => [`place${place}`, selectorOf(box)])),
      stages: [
        {
          name,
          stageActivation: { enabled: { minViewportsMatched: 0 } },
          viewportStructure: { layoutType: "grid", properties: { rows, columns } },
          viewports: boxes.map(viewportOf),
        },
      ],
    };
  }

  const address = `/archive/layouts/of/?study=${encodeURIComponent(studies[0])}${earlier ? "&earlier=1" : ""}`;
  const ask = () =>
    fetch(address, { signal: AbortSignal.timeout(WAIT) })
      .then((said) => (said.ok ? said.json() : null))
      .catch(() => null);
  const answer = ask();

  // before the viewer knows its protocols: one more, in the place of the one that the address names
  wasl.layOut = async ({ hangingProtocolService }) => {
    wasl.laid = await answer;
    wasl.layout = wasl.laid?.layout;
    if (!wasl.layout || matchMedia("(max-width: 600px)").matches) return; // on a telephone one picture fills the screen
    const wanted = asked.get("hangingProtocolId");
    const id = wasl.protocols.some((protocol) => protocol.id === wanted) ? wanted : "wasl.layout";
    wasl.protocols = [...wasl.protocols.filter((protocol) => protocol.id !== id), protocolOf(wasl.layout, id)];
    hangingProtocolService.addCustomAttribute("waslPlaced", "The series of a place", isPlaced);
    const modes = config.modesConfiguration;
    modes["@ohif/mode-longitudinal"] = { ...modes["@ohif/mode-longitudinal"], hangingProtocol: { $set: id } };
  };
  Object.assign(wasl.layouts, { address, ask, studies, earlier, told });
})();
