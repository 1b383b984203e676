import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, Socket } from "node:net";
import { test } from "node:test";
import { withBuffer } from "./driver-socket.ts";

test("an accepted socket goes on as another one, which reads, writes and ends", async () => {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const client = connect(address.port, "127.0.0.1");
  const [accepted] = (await once(server, "connection")) as [Socket];
  const socket = withBuffer(accepted, (bytes) => void socket.write(new Uint8Array(bytes)));
  assert.notEqual(socket, accepted); // otherwise this version of node has it otherwise, and receiving costs more
  client.write("one ");
  assert.equal(String((await once(client, "data"))[0]), "one ");
  client.write("two");
  assert.equal(String((await once(client, "data"))[0]), "two");
  client.end();
  await once(socket, "close");
  server.close();
  await once(server, "close");
});

test("a socket without a handle stays as it is", () => {
  const bare = new Socket();
  assert.equal(
    withBuffer(bare, () => undefined),
    bare,
  );
});
