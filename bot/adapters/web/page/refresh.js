// Reads the state of a card's job from the server.

import { ApiError, jobState } from "./api.js";
import { failedState } from "./card.js";
import { t } from "./i18n.js";

// Calls `show(state)`, unless the card has shown a newer state meanwhile, or `lost(message)` if there is no answer.
export async function refresh(card, show, lost) {
  const isCurrent = card.expectState();
  try {
    const state = await jobState(card.turn.id);
    if (isCurrent(state)) show(state);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status !== 404) return lost(error.message);
    const missing = failedState(error.kind, t("This result is no longer available."));
    if (isCurrent(missing)) card.show(missing);
  }
}
