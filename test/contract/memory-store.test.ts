import { MemoryStore } from "../../src/data/queue/memory-store.ts";
import { Room } from "../../src/data/queue/room.ts";
import { queueStoreContract } from "./queue-store.ts";

queueStoreContract("memory", ({ maxBytes }) => {
  const room = new Room(maxBytes);
  const held = (): { bytes: number; items: number } => ({ bytes: room.bytes, items: room.items });
  return { store: new MemoryStore(room), held, keeps: false };
});
