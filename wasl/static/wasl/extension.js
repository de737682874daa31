// What of ours stands in the viewer itself: told to it before it starts, by its own ways. The scripts beside it do the acts.
"use strict";
(() => {
  const { wasl, config } = window;
  config.modesConfiguration ||= {}; // the viewer copies what is there now, and we say more later
  const MEGABYTE = 1 << 20;
  // up to so many gigabytes of the computer -> megabytes of single pictures, and of volumes beside them; the viewer itself
  // takes some 300, and the computer is not its own
  const KEPT = [[2, 64, 128], [4, 64, 256], [Infinity, 1024, 2048]];
  const UNTOLD = [512, 1024]; // where the browser does not say what the computer has
  const LITTLE = 4; // gigabytes: of these and fewer each program that decodes costs much, and each picture on its way
  const buttons = [
    { id: "wasl-second", icon: "action-new-dialog", act: "openSecond", label: wasl.second },
    { id: "wasl-together", icon: "link", act: "turnTogether", label: wasl.together },
    { id: "wasl-marked", icon: "tool-annotate", act: "openMarked", label: wasl.marked.words.button },
    { id: "wasl-layout", icon: "tool-layout-default", act: "openLayout", label: wasl.layouts.words.button },
  ];
  let start;
  wasl.started = new Promise((done) => {
    start = done;
  });
  const definitions = Object.fromEntries(buttons.map(({ act }) => [act, { commandFn: (given) => wasl[act](given) }]));
  config.extensions.push({
    id: "wasl",
    preRegistration: ({ servicesManager }) => wasl.layOut(servicesManager.services),
    onModeEnter() {
      window.cornerstone.cache.setMaxCacheSize(wasl.kept);
      start();
    },
    getHangingProtocolModule: () => wasl.protocols.map((protocol) => ({ name: protocol.id, protocol })),
    getCommandsModule: () => ({ definitions, defaultContext: "DEFAULT" }),
    getToolbarModule: () => [
      { name: "evaluate.wasl", evaluate: ({ button }) => ({ disabled: false, isActive: Boolean(wasl.turnedOn?.(button.id)) }) },
    ],
  });
  // somebody may know better than the browser, as on a rented desktop: so many megabytes
  const wanted = Number(new URLSearchParams(location.search).get("keep"));
  const memory = navigator.deviceMemory;
  const [pictures, volumes] = memory ? KEPT.find(([most]) => memory <= most).slice(1) : UNTOLD;
  wasl.kept = MEGABYTE * (wanted > 0 ? wanted : pictures);
  wasl.volumes = MEGABYTE * (wanted > 0 ? wanted : volumes);
  config.httpErrorHandler = () => {}; // the viewer calls it whether there is one or not; what failed is said on the picture
  if (memory <= LITTLE) {
    config.maxNumberOfWebWorkers = 1;
    config.dataSources[0].configuration.stackRetrieveOptions.retrieveOptions.single.minChunkSize = 5 << 17;
    config.maxNumRequests = { interaction: 4, thumbnail: 1, prefetch: 2 };
  }
  // beside a report there is no room for the button of key images, and they open from their own pictures
  const wide = matchMedia("(min-width: 1200px)").matches;
  const primary = buttons.map(({ id }) => id).filter((id) => wide || id !== "wasl-marked");
  // on a telephone: the picture, what one does with one hand, and no more
  const small = matchMedia("(max-width: 600px)").matches;
  if (small) {
    const layout = { layoutInstance: { props: { leftPanelClosed: { $set: true } } } };
    config.modesConfiguration["@ohif/mode-longitudinal"] = { routes: { 0: layout } };
    config.whiteLabeling = { createLogoComponentFn: (React) => React.createElement("span") };
  }
  config.customizationService = {
    global: { "ohif.tours": { $set: [] } },
    mode: {
      "*": {
        "cornerstone.toolbarButtons": {
          $push: buttons.map(({ id, icon, act, label }) => ({
            id,
            uiType: "ohif.toolButton",
            props: { icon, label, commands: act, evaluate: "evaluate.wasl" },
          })),
        },
        "cornerstone.toolbarSections": {
          primary: small ? { $set: ["WindowLevel", "Zoom", "Pan"] } : { $push: primary },
        },
      },
    },
  };
})();
