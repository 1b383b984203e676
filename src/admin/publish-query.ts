import type { PublishTerms } from "../control/truth/config-truth.ts";
import type { AdminContext } from "./context.ts";
import type { AdminRequest } from "./route.ts";

/** What a change of the config may be told beside it. */
export const CHANGE_QUERY = {
  note: "Why, for people; kept in the history.",
  by: "Who, for people; default: the role of the token.",
};

/** What takes a whole document may be told besides, where the config is a fleet's. */
export const PUBLISH_QUERY = {
  ...CHANGE_QUERY,
  force: "true: also when a live member of the fleet cannot read its schema.",
  staged: "true: some nodes try it first; see /api/v1/config/rollout.",
  again: "true: also when the same document was rolled back or aborted before.",
  init: "true: make the fleet, too, where its store has none yet.",
};

/** Who asks, from where, and why. */
export function publishTermsOf({ query, role }: AdminRequest, { facts }: Pick<AdminContext, "facts">): PublishTerms {
  const by = query.get("by")?.trim() ?? "";
  const note = query.get("note")?.trim() ?? "";
  return {
    author: `${by === "" ? role : by} via ${facts.id}`,
    ...(note !== "" && { note }),
    force: query.get("force") === "true",
    init: query.get("init") === "true",
    staged: query.get("staged") === "true",
    again: query.get("again") === "true",
  };
}
