// What stands in front of the reader: the image of the viewport in use, its window, and what is drawn on it, in the image's
// pixels. 0, 0 is the upper left corner of the first pixel, as DICOM has it (PS3.3, C.10.5, PIXEL).
"use strict";
(() => {
  const { wasl } = window;
  const DRAWINGS = 50;
  const POINTS = 2000;
  const NEAR = 0.25; // pixels between the points of a line drawn by hand: closer ones say nothing more
  const EDGE = 1; // pixels by which a drawing may leave the image
  const SAME = 0.005; // of the width of a window: what is not told from it
  const ROUND = 72; // points of an ellipse that stands askew
  wasl.touched = 0;
  for (const act of ["pointerdown", "wheel", "keydown"])
    window.addEventListener(act, () => (wasl.touched = Date.now()), { capture: true, passive: true });

  wasl.viewportInUse = () => {
    try {
      const id = window.services.viewportGridService.getActiveViewportId();
      return window.services.cornerstoneViewportService.getCornerstoneViewport(id);
    } catch {
      return undefined; // the viewer is still starting
    }
  };

  // which image a viewer's own name stands for
  wasl.imageOf = (imageId) => {
    const { SOPInstanceUID: instance } = window.cornerstone.metaData.get("instance", imageId) || {};
    return { instance, frame: Number(/\/frames\/(\d+)/.exec(imageId)?.[1] || 1) };
  };

  const isReversed = (image) => image.photometricInterpretation === "MONOCHROME1";
  // PET images are shown in SUV, which are not the values that their window is of
  const unit = (image) => image.preScale?.scalingParameters?.suvbw || image.scaling?.suvbw || 1;

  function own(image) {
    const [centre, width] = [image.windowCenter, image.windowWidth].map((value) => (Array.isArray(value) ? value[0] : value));
    if (centre === undefined || width === undefined) return { lower: image.minPixelValue, upper: image.maxPixelValue };
    return window.cornerstone.utilities.windowLevel.toLowHighRange(width, centre, image.voiLUTFunction);
  }

  // the middle and the width of the greys, null where they are the image's own
  function greys(viewport, image, left) {
    const { voiRange, VOILUTFunction } = viewport.getProperties();
    if (image.color || !voiRange) return null;
    const { lower, upper } = voiRange;
    const usual = own(image);
    const far = Math.max(Math.abs(lower - usual.lower), Math.abs(upper - usual.upper));
    if (far <= SAME * (usual.upper - usual.lower)) return null;
    const width = (upper - lower) / unit(image) + 1;
    if (String(VOILUTFunction || "LINEAR").startsWith("LINEAR")) return [((lower + upper) / unit(image) + 1) / 2, width];
    left.count += 1; // a curve, which has no middle and no width
    return null;
  }

  function isInverted(viewport, image, left) {
    const inverted = Boolean(viewport.getProperties().invert) !== isReversed(image);
    if (inverted && image.color) left.count += 1;
    return inverted && !image.color;
  }

  function onPixels(viewport) {
    const { imageData } = viewport.getImageData();
    const pixel = (world) => imageData.worldToIndex([...world]).slice(0, 2).map((value) => value + 0.5);
    return { pixel, spacing: imageData.getSpacing() };
  }

  // of a line drawn by hand, as many points as its form needs
  function thinned(points) {
    const kept = [];
    for (const point of points) {
      const last = kept.at(-1);
      if (!last || Math.hypot(point[0] - last[0], point[1] - last[1]) >= NEAR) kept.push(point);
    }
    return kept;
  }

  // an ellipse by the ends of its two axes; where these do not stand square in the image's pixels, by a line round it
  function oval([a, b, c, d]) {
    const across = (b[0] - a[0]) * (d[0] - c[0]) + (b[1] - a[1]) * (d[1] - c[1]);
    const lengths = Math.hypot(b[0] - a[0], b[1] - a[1]) * Math.hypot(d[0] - c[0], d[1] - c[1]);
    if (Math.abs(across) <= 0.01 * lengths) return { kind: "ellipse", points: [a, b, c, d] };
    const middle = [0, 1].map((axis) => (a[axis] + b[axis]) / 2);
    const turns = Array.from({ length: ROUND }, (_, step) => (2 * Math.PI * step) / ROUND);
    const at = (turn) => (value, axis) =>
      value + ((b[axis] - a[axis]) / 2) * Math.cos(turn) + ((d[axis] - c[axis]) / 2) * Math.sin(turn);
    return { kind: "closed", points: turns.map((turn) => middle.map(at(turn))) };
  }

  function circle([middle, edge], { pixel, spacing }) {
    const far = Math.hypot(...middle.map((value, axis) => edge[axis] - value));
    const [x, y] = pixel(middle);
    const [across, down] = [far / spacing[0], far / spacing[1]];
    return { kind: "ellipse", points: [[x - across, y], [x + across, y], [x, y - down], [x, y + down]] };
  }

  const line = (...points) => ({ kind: "line", points });
  const byHand = (points, { contour }, { pixel }) => [
    { kind: contour.closed ? "closed" : "line", points: thinned(contour.polyline.map(pixel)) },
  ];
  // each tool of the viewer whose drawings are kept -> the lines that they are made of
  const FORMS = {
    Length: (points) => [line(...points)],
    Bidirectional: ([a, b, c, d]) => [line(a, b), line(c, d)],
    Angle: (points) => [line(...points)],
    CobbAngle: ([a, b, c, d]) => [line(a, b), line(c, d)],
    ArrowAnnotate: ([tip, end], { handles }) => [
      { kind: "arrow", points: handles.arrowFirst === false ? [end, tip] : [tip, end] },
    ],
    RectangleROI: ([a, b, c, d]) => [{ kind: "closed", points: [a, b, d, c] }],
    EllipticalROI: (points) => [oval(points)],
    CircleROI: (_points, { handles }, on) => [circle(handles.points, on)],
    Probe: ([point]) => [{ kind: "point", points: [point] }],
    PlanarFreehandROI: byHand,
    SplineROI: byHand,
    LivewireContour: byHand,
  };

  // the text beside a drawing, as the viewer writes it
  function label(viewport, { data, metadata }) {
    const { ToolGroupManager } = window.cornerstoneTools;
    const tool = ToolGroupManager.getToolGroupForViewport(viewport.id, viewport.renderingEngineId)?.getToolInstance(
      metadata.toolName,
    );
    const lines = tool?.configuration?.getTextLines?.(data, tool.getTargetId(viewport, data), { metadata });
    const text = lines?.length ? lines.join("\n") : data.text || data.label;
    return String(text || "").trim();
  }

  function forms(viewport, annotation, on) {
    const { data, metadata } = annotation;
    const made = FORMS[metadata.toolName]?.(data.handles.points.map(on.pixel), data, on);
    if (!made) return null;
    const text = label(viewport, annotation);
    const box = data.handles.textBox?.worldPosition;
    if (text) Object.assign(made[0], { text, at: box ? on.pixel(box) : made[0].points[0] });
    return made;
  }

  const keeps = (columns, rows) => ({ points }) =>
    points.length <= POINTS &&
    points.every(([x, y]) => x >= -EDGE && y >= -EDGE && x <= columns + EDGE && y <= rows + EDGE);

  function drawings(viewport, image, left) {
    const { state, visibility } = window.cornerstoneTools.annotation;
    const on = onPixels(viewport);
    const kept = [];
    for (const annotation of state.getAllAnnotations()) {
      if (annotation.metadata.referencedImageId !== image.imageId) continue;
      if (visibility.isAnnotationVisible(annotation.annotationUID) === false) continue;
      const made = forms(viewport, annotation, on);
      if (made?.every(keeps(image.columns, image.rows)) && kept.length + made.length <= DRAWINGS) kept.push(...made);
      else left.count += 1;
    }
    return kept;
  }

  // the image shown, how it is shown, and how much of that is not kept; or why there is none
  wasl.shownImage = () => {
    const viewport = wasl.viewportInUse();
    const imageId = viewport?.getCurrentImageId?.();
    if (!imageId || viewport.getAllVolumeIds?.().length) return { why: "no_image" };
    const image = viewport.getCornerstoneImage();
    if (image?.imageId !== imageId) return { why: "loading" };
    const left = { count: 0 };
    const view = {
      window: greys(viewport, image, left),
      inverted: isInverted(viewport, image, left),
      drawings: drawings(viewport, image, left),
    };
    return { ...wasl.imageOf(imageId), view, left: left.count };
  };

  // the greys of a view, for an image that a viewport shows
  wasl.greysOf = ({ window: greys, inverted }, image) => {
    const invert = Boolean(inverted) !== isReversed(image);
    if (!greys) return { invert };
    const [low, high] = [-1, 1].map((side) => greys[0] - 0.5 + (side * (greys[1] - 1)) / 2);
    return { voiRange: { lower: low * unit(image), upper: high * unit(image) }, invert };
  };
})();
