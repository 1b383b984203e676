import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { readPage, ROOT } from "../../docs/pages.ts";
import { ConsulServer } from "../../support/consul-server.ts";
import { programTests } from "../recipes/page-programs.ts";
import { recipeContract, RECIPES } from "../recipes/recipe-contract.ts";
import { CONSUL_ABSENCE } from "./consul-fixture.ts";

const consul = {
  ttlMs: 10_000,
  skip: CONSUL_ABSENCE,
  async open() {
    const server = await ConsulServer.open();
    return { settings: server.settings, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
};

// On a server each: what waits for the end of a session does so together.
describe("recipes on Consul", { concurrency: true }, () => {
  recipeContract("consul", consul);
  recipeContract("consul, with a token with the rights of docs/coordination.md", {
    ...consul,
    async open() {
      const server = await ConsulServer.open({ manager: randomUUID() });
      const token = await tokenWith(server, rulesOfThePage());
      const settings = { ...server.settings, token };
      return { settings, isCutDown: true, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
    },
  });
  programTests("consul", consul);
});

/** Its policy, for the prefix of the suite. */
function rulesOfThePage(): string {
  const page = readPage("docs/coordination.md", readFileSync(join(ROOT, "docs/coordination.md"), "utf8"));
  const rules = page.fences.find(({ info }) => info === "hcl")?.text ?? "";
  assert.match(rules, /"signalbox\/"/u);
  return rules.replace('"signalbox/"', `"${RECIPES.slice(1)}/"`);
}

async function tokenWith(server: ConsulServer, rules: string): Promise<string> {
  await server.ask("PUT", "acl/policy", { Name: "signalbox", Rules: rules });
  const made = await server.ask("PUT", "acl/token", { Policies: [{ Name: "signalbox" }] });
  const secret = typeof made === "object" && made !== null && "SecretID" in made ? made.SecretID : undefined;
  assert.ok(typeof secret === "string", JSON.stringify(made));
  return secret;
}
