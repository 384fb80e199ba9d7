import { expect } from "vitest";
import { PermanentError } from "../../failures/errors.ts";
import { expectCode, PLACED, sendNumbered, sleep, type TestCase, until } from "../harness/suite.ts";

const SOON = { initialMs: 1, maxMs: 5 };

export function wrapping(test: TestCase): void {
  test("middleware runs around each handler, the first one added outermost", async (lab) => {
    const queue = lab.open();
    const steps: string[] = [];
    for (const name of ["outer", "inner"]) {
      queue.use(async (event, { attempt }, next) => {
        steps.push(`${name} before ${event.type} ${attempt}`);
        await next();
        steps.push(`${name} after`);
      });
    }
    await queue.send(PLACED, { n: 1 });
    const consumer = queue.consume({ group: "mailer" }, async () => {
      await sleep(1);
      steps.push("handler");
    });
    await until("it is handled", () => consumer.stats().handled === 1);
    expect(steps).toEqual([
      `outer before ${PLACED} 1`,
      `inner before ${PLACED} 1`,
      "handler",
      "inner after",
      "outer after",
    ]);
  });

  test("without a call of next the handler doesn't run and the event is acked", async (lab) => {
    const queue = lab.open();
    queue.use((event, _context, next) => (event.headers["skip"] === "yes" ? undefined : next()));
    await queue.send(PLACED, { n: 1 }, { headers: { skip: "yes" } });
    await queue.send(PLACED, { n: 2 });
    const seen: number[] = [];
    const consumer = queue.consume({ group: "mailer" }, (event) => {
      seen.push(event.payload.n);
    });
    await until("both are acked", () => consumer.stats().handled === 2);
    expect(seen).toEqual([2]);
    expect((await queue.groups.list())[0]).toMatchObject({ pending: 0 });
  });

  test("what middleware throws is the failure of the attempt, what a handler throws it can see", async (lab) => {
    const queue = lab.open();
    const caught: string[] = [];
    queue.use(async (_event, { attempt }, next) => {
      if (attempt === 1) throw new Error("not yet");
      await next().catch((error: unknown) => {
        caught.push(String(error));
        throw new PermanentError("given up", { cause: error });
      });
    });
    await queue.send(PLACED, { n: 1 });
    const consumer = queue.consume({ group: "mailer", backoff: SOON }, () => {
      throw new Error("broken");
    });
    await until("it is dead", () => consumer.stats().deadLettered === 1);
    expect(caught).toEqual(["Error: broken"]);
    const [letter] = await queue.deadLetters.list();
    expect(letter).toMatchObject({ attempts: 2, error: { message: "given up" } });
    expect(letter?.history.map(({ message }) => message)).toEqual(["not yet", "given up"]);
  });

  test("middleware that is removed runs no more, and running consumers take up a new one", async (lab) => {
    const queue = lab.open();
    const steps: string[] = [];
    const consumer = queue.consume({ group: "mailer" }, (event) => {
      steps.push(`handler ${event.payload.n}`);
    });
    await queue.send(PLACED, { n: 1 });
    await until("the first is handled", () => consumer.stats().handled === 1);
    const remove = queue.use(async (_event, _context, next) => {
      steps.push("middleware");
      await next();
    });
    await queue.send(PLACED, { n: 2 });
    await until("the second is handled", () => consumer.stats().handled === 2);
    remove();
    await queue.send(PLACED, { n: 3 });
    await until("the third is handled", () => consumer.stats().handled === 3);
    expect(steps).toEqual(["handler 1", "middleware", "handler 2", "handler 3"]);
  });

  test("next that is called twice fails the attempt, and runs the handler once", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 1);
    queue.use(async (_event, _context, next) => {
      await next();
      await next();
    });
    let handled = 0;
    const consumer = queue.consume({ group: "mailer", maxAttempts: 1 }, () => {
      handled += 1;
    });
    await until("it is dead", () => consumer.stats().deadLettered === 1);
    expect(handled).toBe(1);
    expect((await queue.deadLetters.list())[0]).toMatchObject({
      error: { code: "MIDDLEWARE_MISUSE" },
    });
  });

  test("what middleware sends is a child of the event, stored once however often it is retried", async (lab) => {
    const queue = lab.open();
    const sent = await queue.send(PLACED, { n: 1 });
    queue.use(async (event, _context, next) => {
      if (event.id === sent.id) await queue.send("ORDER_AUDITED", { of: event.id });
      await next();
    });
    const consumer = queue.consume({ group: "mailer", backoff: SOON }, (event) => {
      if (event.type === PLACED && event.attempt < 3) throw new Error("again");
    });
    await until("both are handled", () => consumer.stats().handled === 2);
    const audits = await queue.history({ eventTypes: ["ORDER_AUDITED"] });
    expect(audits).toMatchObject([{ causationId: sent.id }]);
  });

  test("middleware must be a function", async (lab) => {
    const queue = lab.open();
    // @ts-expect-error -- what a program without types could write
    await expectCode(async () => queue.use({ handle: () => {} }), "INVALID_OPTION");
  });
}
