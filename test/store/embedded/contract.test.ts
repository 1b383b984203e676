import { rm } from "node:fs/promises";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FACTS } from "../../../src/store/embedded/facts.ts";
import { openEmbedded } from "../../../src/store/embedded/open-embedded.ts";
import { openEmbeddedLeases } from "../../../src/store/embedded/embedded-leases.ts";
import type { EmbeddedSettings } from "../../../src/store/store.ts";
import { CONTRACT_PARTS, type ContractPart, storeContract, type StoreFixture } from "../contract.ts";
import { makeQuickFolder } from "../../support/quick-folder.ts";

/** There is no network between a node and its own file. */
const OF_NETWORKS: readonly ContractPart[] = ["networkLags", "catchUps", "networkFaults"];
const ON_A_FILE = CONTRACT_PARTS.filter((part) => !OF_NETWORKS.includes(part));
/** What is in memory is gone with its process: nothing of it could be wiped under others. */
const IN_MEMORY = ON_A_FILE.filter((part) => part !== "wipes");

storeContract("embedded, a file", {
  facts: FACTS,
  parts: ON_A_FILE,
  async open() {
    const folder = makeQuickFolder("signalbox-store-");
    const file = join(folder, "store.sqlite");
    return {
      ...fixtureOf({ kind: "embedded", file }, file),
      async wipe() {
        for (const end of ["", "-wal", "-shm"]) await rm(`${file}${end}`, { force: true });
      },
      async [Symbol.asyncDispose]() {
        rmSync(folder, { recursive: true });
      },
    };
  },
});

storeContract("embedded, in memory", {
  facts: FACTS,
  parts: IN_MEMORY,
  async open() {
    const location = "file:/signalboxcontract?vfs=memdb";
    const kept = new DatabaseSync(location); // what is in memory lives as long as one connection
    return {
      ...fixtureOf({ kind: "embedded", file: ":memory:contract" }, location),
      async [Symbol.asyncDispose]() {
        kept.close();
      },
    };
  },
});

function fixtureOf(settings: EmbeddedSettings, location: string): Omit<StoreFixture, typeof Symbol.asyncDispose> {
  return {
    openStore: (options) => openEmbedded(settings, options),
    openLeases: (options) => openEmbeddedLeases(settings, options),
    openSilenced: (options) => ({
      store: openEmbedded(settings, options),
      leases: openEmbeddedLeases(settings, options),
    }),
    answersAlways: ["get", "list"],
    async silence() {
      const holder = new DatabaseSync(location, { timeout: 5_000 });
      holder.exec("BEGIN IMMEDIATE");
      return {
        async [Symbol.asyncDispose]() {
          holder.exec("ROLLBACK");
          holder.close();
        },
      };
    },
    async compact() {
      using database = new DatabaseSync(location, { timeout: 5_000 });
      database.exec("BEGIN IMMEDIATE; DELETE FROM history; UPDATE state SET compacted = revision; COMMIT");
    },
  };
}
