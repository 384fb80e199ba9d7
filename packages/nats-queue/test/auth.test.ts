import { inspect } from "node:util";
import { credsAuthenticator, nkeyAuthenticator, nkeys } from "@nats-io/transport-node";
import { QueueError } from "@ringrift/event-queue";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { NatsServer, SERVER } from "test-servers";
import { type NatsQueueOptions, openNatsQueue } from "../src/index.ts";
import { certificates, OPENSSL, operatorMode } from "./credentials.ts";

beforeEach((context) => {
  if (SERVER !== true) context.skip(SERVER);
});

async function serverWith(config: string): Promise<NatsServer> {
  const server = await NatsServer.start(config);
  onTestFinished(() => server.dispose());
  return server;
}

type Given = Partial<NatsQueueOptions>;

/** Sends and handles an event with these credentials. */
async function expectWorks(server: NatsServer, given: Given): Promise<void> {
  const queue = await openNatsQueue({ servers: server.url, stream: "orders", ...given });
  const { id } = await queue.send("ORDER_PLACED", { n: 1 });
  const group = queue.group(`group-${Math.random().toString(36).slice(2)}`, { from: "beginning" });
  const events = await group.receive();
  expect(events.at(-1)?.id).toBe(id);
  for (const event of events) expect(await event.ack()).toBe(true);
  await queue.close();
}

/** The error that opening with these credentials rejects with. */
async function refusal(server: NatsServer, given: Given): Promise<QueueError> {
  const options = { servers: server.url, stream: "orders", patienceMs: 2_000, ...given };
  const error: unknown = await openNatsQueue(options).then(
    (queue) => queue.close(),
    (cause: unknown) => cause,
  );
  if (!(error instanceof QueueError))
    throw new Error(`Expected a QueueError, got ${String(error)}`);
  return error;
}

async function expectDenied(server: NatsServer, given: Given): Promise<void> {
  const error = await refusal(server, given);
  expect(error.code, error.message).toBe("ACCESS_DENIED");
  expect(error.message).not.toContain("secret");
  expect(error.cause).toBeDefined();
}

describe("an address with a password", () => {
  it.each([
    ["app:s3cret@127.0.0.1:1", "SERVER_UNREACHABLE", "at 127.0.0.1:1:"],
    ["nats://app:s3cret@127.0.0.1:1", "SERVER_UNREACHABLE", "at nats://127.0.0.1:1:"],
    ["nats://app:a@s3cret@127.0.0.1:1", "SERVER_UNREACHABLE", "at nats://127.0.0.1:1:"],
    ["nats://s3cret@127.0.0.1:1/?x=s3cret", "SERVER_UNREACHABLE", "at nats://127.0.0.1:1:"],
    ["nats://app:s3cret@127.0.0.1:99999999", "INVALID_OPTION", '"nats://127.0.0.1:99999999"'],
    ["nats://app:s3cret@not a host:1", "INVALID_OPTION", '"nats://not a host:1"'],
  ])("shows it in no error, nor in its cause: %s", async (servers, code, shown) => {
    const error: unknown = await openNatsQueue({
      servers,
      stream: "orders",
      patienceMs: 100,
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringContaining(shown) });
    expect(inspect(error, { depth: 9 })).not.toContain("s3cret");
  });
});

describe("a server that asks who it is", () => {
  it("takes a user with the right password, in either place, and no other", async () => {
    const server = await serverWith('authorization { user: me, password: "secret" }');
    await expectWorks(server, { user: "me", pass: "secret" });
    await expectWorks(server, { connection: { user: "me", pass: "secret" } });
    await expectDenied(server, { user: "me", pass: "secret wrong" });
    await expectDenied(server, { user: "you", pass: "secret" });
    await expectDenied(server, {});
  });

  it("takes the right token, and no other", async () => {
    const server = await serverWith('authorization { token: "secret" }');
    await expectWorks(server, { token: "secret" });
    await expectDenied(server, { token: "secret wrong" });
    await expectDenied(server, {});
  });

  it("takes a user that signs with its nkey, and no other", async () => {
    const [known, stranger] = [nkeys.createUser(), nkeys.createUser()];
    const server = await serverWith(
      `authorization { users: [ { nkey: ${known.getPublicKey()} } ] }`,
    );
    await expectWorks(server, { authenticator: nkeyAuthenticator(known.getSeed()) });
    await expectDenied(server, { authenticator: nkeyAuthenticator(stranger.getSeed()) });
    await expectDenied(server, {});
  });

  it("takes the creds of its operator's accounts, and no others", async () => {
    const [ours, theirs] = [operatorMode(), operatorMode()];
    const server = await serverWith(ours.config);
    await expectWorks(server, { authenticator: credsAuthenticator(ours.creds()) });
    await expectDenied(server, { authenticator: credsAuthenticator(theirs.creds()) });
    await expectDenied(server, { authenticator: credsAuthenticator(ours.creds(-60_000)) });
    await expectDenied(server, {});
  });

  it("says so when the user may not use the queue's subjects", async () => {
    const server = await serverWith(`authorization { users: [
      { user: all, password: secret }
      { user: reader, password: secret, permissions: {
        publish: { allow: ["$JS.API.>", "$JS.ACK.>", "orders.state.>"] }, subscribe: ">" } }
    ] }`);
    await expectWorks(server, { user: "all", pass: "secret" });
    const given = { user: "reader", pass: "secret", stream: "orders", patienceMs: 3_000 };
    const queue = await openNatsQueue({ servers: server.url, ...given });
    onTestFinished(() => queue.close());
    expect(await queue.history()).toHaveLength(1);
    await expect(queue.send("ORDER_PLACED", {})).rejects.toMatchObject({ code: "ACCESS_DENIED" });
    expect(await queue.history()).toHaveLength(1);
  });
});

describe("a server with TLS", () => {
  beforeEach((context) => {
    if (OPENSSL !== true) context.skip(OPENSSL);
  });

  it("is used by who knows its authority, and by nobody else", async () => {
    const { ca, server: own } = certificates();
    const server = await serverWith(
      `tls { cert_file: "${own.cert}", key_file: "${own.key}" }
authorization { user: me, password: "secret" }`,
    );
    const user = { user: "me", pass: "secret" };
    await expectWorks(server, { ...user, tls: { caFile: ca } });
    await expectDenied(server, { ...user, pass: "secret wrong", tls: { caFile: ca } });
    const error = await refusal(server, user);
    expect(error.code).toBe("SERVER_UNREACHABLE");
    expect(error.message).toMatch(/certificate|verify/i);
    const { ca: another } = certificates();
    expect((await refusal(server, { ...user, tls: { caFile: another } })).code).toBe(
      "SERVER_UNREACHABLE",
    );
  });

  it("that wants certificates takes those of its authority, and no others", async () => {
    const { ca, server: own, client } = certificates();
    const server = await serverWith(
      `tls { cert_file: "${own.cert}", key_file: "${own.key}", ca_file: "${ca}", verify: true }`,
    );
    const files = { caFile: ca, certFile: client.cert, keyFile: client.key };
    await expectWorks(server, { tls: files });
    const { client: stranger } = certificates();
    const theirs = { caFile: ca, certFile: stranger.cert, keyFile: stranger.key };
    for (const tls of [theirs, { caFile: ca }]) {
      // The client isn't told why the server breaks off.
      const error = await refusal(server, { tls });
      expect(error.code).toBe("SERVER_UNREACHABLE");
      expect(error.message).toContain("certificate");
    }
  });
});
