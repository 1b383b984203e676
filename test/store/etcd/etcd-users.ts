import assert from "node:assert/strict";
import { systemClock } from "../../../src/core/clock.ts";
import { EtcdConnection } from "../../../src/store/etcd/connection.ts";
import { endOfPrefix } from "../../../src/store/etcd/range.ts";
import type { StoreTls } from "../../../src/store/store.ts";
import { encodeApi } from "./etcd-api.ts";

export interface EtcdUser {
  readonly name: string;
  /** Without one it is known by its certificate. */
  readonly password?: string;
  /** What it may read and write. */
  readonly prefix: string;
}

type AuthCall = (name: string, fields: Record<string, unknown>) => Promise<void>;

function callsOf(connection: EtcdConnection): AuthCall {
  return async (name, fields) => {
    const method = { path: `/etcdserverpb.Auth/${name}`, decode: () => undefined };
    const limits = { clock: systemClock, deadlineMs: 30_000, signal: new AbortController().signal };
    const answer = await connection.unary(
      method,
      encodeApi(`${name === "AuthEnable" ? "" : "Auth"}${name}Request`, fields),
      "",
      limits,
    );
    assert.ok(answer.ok, `${name}: ${JSON.stringify(answer)}`);
  };
}

/**
 * Does what these commands of etcdctl, as their words, would; then nobody gets in whom they do not
 * make. Each user's password is its name.
 */
export async function obeyEtcdctl(endpoint: string, commands: readonly (readonly string[])[]): Promise<void> {
  using connection = new EtcdConnection(endpoint, undefined, systemClock);
  const call = callsOf(connection);
  const root = [
    ["user", "add", "root"],
    ["user", "grant-role", "root", "root"],
  ];
  for (const [of = "", verb = "", name = "", ...rest] of [...root, ...commands]) {
    const said = `${of} ${verb}`;
    if (said === "role add") await call("RoleAdd", { name });
    else if (said === "user add") await call("UserAdd", { name, password: name });
    else if (said === "user grant-role") await call("UserGrantRole", { user: name, role: rest[0] });
    else if (said === "role grant-permission") await call("RoleGrantPermission", { name, perm: permissionOf(rest) });
    else assert.fail(`etcdctl ${said}`);
  }
  await call("AuthEnable", {});
}

function permissionOf([type = "", key = "", prefix]: readonly string[]): Record<string, unknown> {
  const range = prefix === "--prefix=true" ? { range_end: endOfPrefix(key) } : {};
  return { permType: type.toUpperCase(), key: Buffer.from(key), ...range };
}

/** A role for each user, as an operator would; then nobody gets in who is none of them. */
export async function enableUsers(endpoint: string, users: readonly EtcdUser[], tls?: StoreTls): Promise<void> {
  using connection = new EtcdConnection(endpoint, tls, systemClock);
  const call = callsOf(connection);
  const add = async ({ name, password }: Omit<EtcdUser, "prefix">): Promise<void> => {
    const how = password === undefined ? { options: { no_password: true } } : { password };
    await call("UserAdd", { name, ...how });
  };
  await add({ name: "root", password: "root" });
  await call("UserGrantRole", { user: "root", role: "root" });
  for (const user of users) {
    const key = Buffer.from(user.prefix);
    await call("RoleAdd", { name: user.name });
    const perm = { permType: "READWRITE", key, range_end: endOfPrefix(user.prefix) };
    await call("RoleGrantPermission", { name: user.name, perm });
    await add(user);
    await call("UserGrantRole", { user: user.name, role: user.name });
  }
  await call("AuthEnable", {});
}
