import type { Post } from "./crew.ts";
import type { Random } from "./random.ts";

/** Of two files: work is done on the first one, and one process, which is killed and frozen too, joins them. */
export function onTwoFiles(posts: readonly Post[]): Post[] {
  const spread = posts.map((post, index) => {
    if (index % 2 === 0) return post;
    const { thread } = post;
    return {
      ...post,
      file: 1,
      works: false,
      ...(thread && { thread: { ...thread, works: false } }),
    };
  });
  return [...spread, { name: "joint", works: false, joins: true }];
}

/** 2–6 processes; in a smoke pass these two, which have one of everything. */
export function postsFor(random: Random, isSmoke: boolean): Post[] {
  if (isSmoke) {
    return [
      { name: "p1", node: "n1", works: true, thread: { works: false } },
      { name: "p2", node: "n2", works: true },
    ];
  }
  return Array.from({ length: random.between(2, 6) }, (_, index) => {
    // There is always a named node that works.
    const isFirst = index === 0;
    const name = `p${index + 1}`;
    const node = `n${index + 1}`;
    const threadNode = `${node}t`;
    return {
      name,
      works: isFirst || random.chance(0.7),
      ...((isFirst || random.chance(0.7)) && { node }),
      ...(random.chance(0.35) && {
        thread: { works: random.chance(0.5), ...(random.chance(0.5) && { node: threadNode }) },
      }),
    };
  });
}
