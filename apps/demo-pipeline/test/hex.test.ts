import {
  assert,
  boolean,
  infiniteStream,
  integer,
  nat,
  property,
  shuffledSubarray,
} from "fast-check";
import { describe, expect, it } from "vitest";
import { BLUE, HexBoard, RED, hexGeometry, winnerOfFull } from "../src/game/index.ts";

/** Does a player join its edges? Plain depth-first search, nothing shared with the code under test. */
function joins(size: number, stones: Uint8Array, player: 1 | 2): boolean {
  const own = (r: number, c: number): boolean =>
    r >= 0 && c >= 0 && r < size && c < size && stones[r * size + c] === player;
  const seen = new Set<string>();
  const todo: [number, number][] = Array.from({ length: size }, (_, i) =>
    player === RED ? [0, i] : [i, 0],
  );
  while (todo.length > 0) {
    const [r, c] = todo.pop()!;
    if (!own(r, c) || seen.has(`${r},${c}`)) continue;
    if ((player === RED ? r : c) === size - 1) return true;
    seen.add(`${r},${c}`);
    todo.push([r, c + 1], [r, c - 1], [r + 1, c], [r - 1, c], [r - 1, c + 1], [r + 1, c - 1]);
  }
  return false;
}

const shuffledCells = integer({ min: 2, max: 7 }).chain((size) =>
  shuffledSubarray(
    Array.from({ length: size * size }, (_, i) => i),
    { minLength: size * size, maxLength: size * size },
  ).map((order) => ({ size, order })),
);

describe("Hex", () => {
  it("calls a win at the very move that joins the edges, as a search over the board does", () => {
    assert(
      property(shuffledCells, ({ size, order }) => {
        const board = new HexBoard(size);
        const said: boolean[][] = [];
        const searched: boolean[][] = [];
        for (const cell of order) {
          const player = board.turn;
          const foretold = board.wins(cell);
          said.push([foretold, board.play(cell), board.winner === player]);
          const won = joins(size, board.stones, player);
          searched.push([won, won, won]);
          if (won) break;
        }
        expect(said).toEqual(searched);
        expect(said.at(-1)).toEqual([true, true, true]);
      }),
      { numRuns: 300 },
    );
  });

  it("knows the one winner of a full board", () => {
    assert(
      property(shuffledCells, infiniteStream(boolean()), ({ size, order }, colours) => {
        const stones = new Uint8Array(size * size);
        for (const cell of order) stones[cell] = colours.next().value === true ? RED : BLUE;
        const scratch = () => new Uint8Array(size * size);
        const winner = winnerOfFull(hexGeometry(size), stones, scratch(), scratch());
        expect(joins(size, stones, winner)).toBe(true);
        expect(joins(size, stones, (3 - winner) as 1 | 2)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it("gives a copied board the same future as the original", () => {
    assert(
      property(shuffledCells, nat(20), ({ size, order }, at) => {
        const board = new HexBoard(size);
        const copy = new HexBoard(size);
        copy.play(0);
        const moves = order.slice();
        for (const cell of moves.splice(0, at)) if (board.play(cell)) return;
        copy.copyFrom(board);
        const future = (of: HexBoard): number => moves.findIndex((cell) => of.play(cell));
        const expected = future(board);
        expect(future(copy)).toBe(expected);
        expect(copy.winner).toBe(board.winner);
      }),
      { numRuns: 100 },
    );
  });

  it("refuses a size it can't record", () => {
    expect(() => new HexBoard(12)).toThrow(/"12" is not between 2 and 11/);
    expect(() => new HexBoard(1)).toThrow(RangeError);
  });
});
