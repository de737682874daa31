// What of ours stands in the viewer itself: told to it before it starts, by its own ways. The scripts beside it do the acts.
"use strict";
(() => {
  const { wasl, config } = window;
  const buttons = [
    { id: "wasl-second", icon: "external-link", act: "openSecond", label: wasl.second },
    { id: "wasl-together", icon: "link", act: "turnTogether", label: wasl.together },
  ];
  const definitions = Object.fromEntries(buttons.map(({ act }) => [act, { commandFn: (given) => wasl[act](given) }]));
  config.extensions.push({
    id: "wasl",
    getHangingProtocolModule: () => wasl.protocols.map((protocol) => ({ name: protocol.id, protocol })),
    getCommandsModule: () => ({ definitions, defaultContext: "DEFAULT" }),
    getToolbarModule: () => [
      { name: "evaluate.wasl", evaluate: ({ button }) => ({ disabled: false, isActive: Boolean(wasl.turnedOn?.(button.id)) }) },
    ],
  });
  config.customizationService = {
    global: { "ohif.tours": { $set: [] } },
    mode: {
      "*": {
        "cornerstone.toolbarButtons": {
          $push: buttons.map(({ id, icon, act, label }) => ({
            id,
            uiType: "ohif.toolButton",
            props: { icon, label, tooltip: label, commands: act, evaluate: "evaluate.wasl" },
          })),
        },
        "cornerstone.toolbarSections": { primary: { $push: buttons.map(({ id }) => id) } },
      },
    },
  };
})();
