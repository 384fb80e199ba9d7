import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { onTestFinished } from "vitest";

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** `true`, or why there are no certificates to test with. */
export const OPENSSL: true | string =
  spawnSync("openssl", ["version"]).status === 0
    ? true
    : "needs openssl on PATH, to make certificates";

/** An operator, an account with JetStream, and the configuration of a server that trusts them. */
export function operatorMode(): {
  readonly config: string;
  /** What a creds file of a user of the account holds. */
  creds(validForMs?: number): Uint8Array;
} {
  const operator = nkeys.createOperator();
  const [account, system] = [nkeys.createAccount(), nkeys.createAccount()];
  const operatorToken = token(operator, operator, { type: "operator" });
  const limits = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const open = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, conn: -1, leaf: -1 };
  const accountToken = token(operator, account, {
    type: "account",
    limits: { ...open, ...limits, wildcards: true },
  });
  const systemToken = token(operator, system, {
    type: "account",
    limits: { ...open, wildcards: true },
  });
  return {
    config: `operator: ${operatorToken}
system_account: ${system.getPublicKey()}
resolver: MEMORY
resolver_preload: {
  ${account.getPublicKey()}: ${accountToken}
  ${system.getPublicKey()}: ${systemToken}
}`,
    creds(validForMs) {
      const user = nkeys.createUser();
      const userToken = token(
        account,
        user,
        { type: "user", subs: -1, data: -1, payload: -1 },
        validForMs,
      );
      const seed = new TextDecoder().decode(user.getSeed());
      return new TextEncoder().encode(`-----BEGIN NATS USER JWT-----
${userToken}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`);
    },
  };
}

/** A signed statement of one key about another, as NATS reads it. */
function token(issuer: KeyPair, subject: KeyPair, nats: object, validForMs?: number): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    jti: String(Math.random()),
    iat: now,
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name: "test",
    ...(validForMs !== undefined && { exp: now + Math.floor(validForMs / 1_000) }),
    nats: { ...nats, version: 2 },
  };
  const encoded = [{ typ: "JWT", alg: "ed25519-nkey" }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  const text = encoded.join(".");
  const signature = issuer.sign(new TextEncoder().encode(text));
  return `${text}.${Buffer.from(signature).toString("base64url")}`;
}

/** Certificates of one authority, as files: for a server at 127.0.0.1, and for a client. */
export interface Certificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

/** Makes an authority and what it signs, in a folder that is removed after the test. */
export function certificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "ringrift-certificates-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const authority = ["-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem"];
  openssl("req", "-x509", ...newKey, "-days", "2", ...authority);
  const signed = (name: string): { cert: string; key: string } => {
    writeFileSync(at(`${name}.ext`), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    const request = ["-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`];
    openssl("req", ...newKey, ...request);
    const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    const files = ["-in", `${name}.csr`, "-extfile", `${name}.ext`, "-out", `${name}.pem`];
    openssl("x509", "-req", ...by, ...files);
    return { cert: at(`${name}.pem`), key: at(`${name}.key`) };
  };
  return { ca: at("ca.pem"), server: signed("server"), client: signed("client") };
}
