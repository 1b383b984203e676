import type { AdminContext } from "../../src/admin/context.ts";
import { ROLES, type Role, type AdminRoute } from "../../src/admin/route.ts";
import { createRoutes } from "../../src/admin/routes.ts";

/**
 * The page of the routes as they are: none of them is called, so that they need nothing to look at.
 */
export function adminReference(): string {
  return routeReference(createRoutes({} as AdminContext)); // oxlint-disable-line typescript/no-unsafe-type-assertion -- only handlers look at it
}

/**
 * docs/reference/admin-roles.md: every verb and path of the admin listener, and who may call it,
 * from the table of routes.
 */
function routeReference(routes: readonly AdminRoute[]): string {
  const rows = routes.map((route) => {
    const { method, path, role, summary } = route;
    return `| ${method} | \`${path}\` | ${role} | ${changesOf(route)} | ${summary} |`;
  });
  return `# Verbs and roles

Generated from the table of routes. A role may do what those before it may: ${ROLES.map(meaning).join(", ")}. HEAD is answered
where GET is. [Admin API](../admin-api.md) tells more, [security](../../SECURITY.md) what it rests on.

| verb | path | role | changes | |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

function meaning(role: Role): string {
  return role === "none" ? "none (whoever reaches the listener)" : role;
}

/** What a call may leave behind. */
function changesOf({ method, path, role, guarded }: AdminRoute): string {
  if (method !== "GET" && path.includes("/config/rollout/")) return "which nodes of the fleet run which config";
  if (method !== "GET" && path.endsWith("/degradation")) return "what the node, or the fleet, gives up";
  if (guarded === true) return "the config, and its file";
  return method !== "GET" && role === "operator" ? "the state of a target" : "";
}
