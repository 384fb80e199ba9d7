import { expect } from "vitest";
import type { EventQueue } from "../../contract/event-queue.ts";
import { numbersOf, PAID, PLACED, sendNumbered, sleep, type TestCase } from "../harness/suite.ts";

type Stream = ReturnType<EventQueue["stream"]>;

export function streaming(test: TestCase): void {
  test("a stream begins when it is called", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    await using stream = queue.stream();
    await queue.send(PLACED, { n: 2 });
    await queue.send(PLACED, { n: 3 });
    expect(numbersOf(await take(stream, 2))).toEqual([2, 3]);
  });

  test("a stream from the beginning replays and goes on live, without gap or repetition", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 150);
    await using stream = queue.stream({ from: "beginning" });
    const first = await take(stream, 120);
    await sendNumbered(queue, PLACED, 50);
    const rest = await take(stream, 80);
    const positions = [...first, ...rest].map(({ position }) => position);
    expect(positions).toEqual((await queue.history()).map(({ position }) => position));
  });

  test("a stream gives the types asked for", async (lab) => {
    const queue = lab.open();
    await using stream = queue.stream({ eventTypes: [PAID] });
    await queue.send(PLACED, { n: 1 });
    await queue.send(PAID, { n: 2 });
    expect(numbersOf(await take(stream, 1))).toEqual([2]);
  });

  test("a waiting stream wakes when an event is sent", async (lab) => {
    const queue = lab.open();
    await using stream = queue.stream();
    const next = stream.next();
    await sleep(30);
    await queue.send(PLACED, { n: 1 });
    expect((await next).value.payload).toEqual({ n: 1 });
  });

  test(
    "a waiting stream wakes when another instance sends",
    async (lab) => {
      const queue = lab.open();
      await using stream = queue.stream({ from: "beginning" });
      const next = stream.next();
      await sleep(30);
      await lab.open().send(PLACED, { n: 1 });
      expect((await next).value.payload).toEqual({ n: 1 });
    },
    ["multipleInstances"],
  );

  test("several streams each give all", async (lab) => {
    const queue = lab.open();
    await using first = queue.stream();
    await using second = queue.stream();
    await sendNumbered(queue, PLACED, 3);
    expect(numbersOf(await take(first, 3))).toEqual([1, 2, 3]);
    expect(numbersOf(await take(second, 3))).toEqual([1, 2, 3]);
  });

  test("calls of next at once are answered one after another", async (lab) => {
    const queue = lab.open();
    await using stream = queue.stream();
    const results = [stream.next(), stream.next(), stream.next()];
    await sendNumbered(queue, PLACED, 3);
    const events = (await Promise.all(results)).map(({ value }) => value);
    expect(numbersOf(events)).toEqual([1, 2, 3]);
  });

  test("a signal ends a stream without an error", async (lab) => {
    const queue = lab.open();
    const controller = new AbortController();
    const stream = queue.stream({ signal: controller.signal });
    const next = stream.next();
    controller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("leaving the loop ends a stream", async (lab) => {
    const queue = lab.open();
    const stream = queue.stream({ from: "beginning" });
    await sendNumbered(queue, PLACED, 3);
    const seen: number[] = [];
    for await (const event of stream) {
      seen.push(event.payload.n);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([1, 2]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("closing the queue ends a stream without an error", async (lab) => {
    const queue = lab.open();
    const stream = queue.stream();
    const next = stream.next();
    await sleep(10);
    await queue.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });
}

async function take(
  stream: Stream,
  count: number,
): Promise<{ position: number; payload: { n: number } }[]> {
  const events = [];
  while (events.length < count) {
    const { done, value } = await stream.next();
    if (done === true)
      throw new Error(`The stream ended after ${events.length} of ${count} events.`);
    events.push(value);
  }
  return events;
}
