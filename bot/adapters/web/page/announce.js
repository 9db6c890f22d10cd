// Announces changes to screen readers: a new state, each quarter of the progress and the end, but not every step.

import { ENDED } from "./card.js";
import { find } from "./dom.js";
import { t } from "./i18n.js";

// The last announcement of each job, by the job's id.
const announced = new Map();

export function announce(state) {
  const announcement = describe(state);
  if (announced.get(state.id) === announcement.key) return;
  announced.set(state.id, announcement.key);
  if (ENDED.has(state.state)) announced.delete(state.id);
  find("announcer").textContent = announcement.text;
}

// Returns {key, text}; the key stays the same for states that need no new announcement.
function describe(state) {
  if (state.error) return { key: "error", text: state.error.message };
  if (state.state === "done") return { key: "done", text: [t("Done."), state.text].join(" ") };
  if (state.fraction === null) return { key: `${state.state} ${state.place}`, text: state.text };
  const percent = Math.floor(state.fraction * 4) * 25;
  return { key: `at ${percent}`, text: [state.stage, t("{percent} percent", { percent })].join(", ") };
}
