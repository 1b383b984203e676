import type { AdminContext } from "../../src/admin/context.ts";
import { routeReference } from "../../src/admin/route-reference.ts";
import { createRoutes } from "../../src/admin/routes.ts";

/** The page of the routes as they are: none of them is called, so that they need nothing to look at. */
export function adminReference(): string {
  return routeReference(createRoutes({} as AdminContext)); // oxlint-disable-line typescript/no-unsafe-type-assertion -- only handlers look at it
}
