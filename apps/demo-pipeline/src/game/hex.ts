/** Red moves first and joins the top edge to the bottom edge. */
export const RED = 1;
/** Blue joins the left edge to the right edge. */
export const BLUE = 2;
/** A player; `3 - player` is the other one. */
export type Player = typeof RED | typeof BLUE;

/** The largest board: a cell fits in 7 bits of a game record. */
export const MAX_SIZE = 11;

const START_EDGE = 1;
const END_EDGE = 2;
const BOTH_EDGES = START_EDGE | END_EDGE;
const OFFSETS = [
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [-1, 1],
  [1, -1],
] as const;

/** What never changes about a board of one size, in flat arrays for the inner loops. */
export interface HexGeometry {
  readonly size: number;
  readonly cells: number;
  /** Neighbours of cell `c` at `[7 * c + 1 .. 7 * c + count]`, their count at `[7 * c]`. */
  readonly neighbours: Uint8Array;
  /** Edges of its owner that a cell touches, at `[player * cells + cell]`. */
  readonly edges: Uint8Array;
  /** The cell across the long diagonal: swapping colours and transposing keeps a position's value. */
  readonly transposed: Uint8Array;
}

const geometries = new Map<number, HexGeometry>();

/** The geometry of an n×n board. Cells are numbered row by row. @throws RangeError off 2..11 */
export function hexGeometry(size: number): HexGeometry {
  const known = geometries.get(size);
  if (known !== undefined) return known;
  if (!Number.isInteger(size) || size < 2 || size > MAX_SIZE) {
    throw new RangeError(`Board size "${size}" is not between 2 and ${MAX_SIZE}.`);
  }
  const cells = size * size;
  const neighbours = new Uint8Array(cells * 7);
  const edges = new Uint8Array(cells * 3);
  const transposed = new Uint8Array(cells);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const cell = row * size + column;
      transposed[cell] = column * size + row;
      let count = 0;
      for (const [down, right] of OFFSETS) {
        const r = row + down;
        const c = column + right;
        if (r < 0 || c < 0 || r >= size || c >= size) continue;
        count++;
        neighbours[cell * 7 + count] = r * size + c;
      }
      neighbours[cell * 7] = count;
      edges[RED * cells + cell] = (row === 0 ? START_EDGE : 0) | (row === size - 1 ? END_EDGE : 0);
      edges[BLUE * cells + cell] =
        (column === 0 ? START_EDGE : 0) | (column === size - 1 ? END_EDGE : 0);
    }
  }
  const geometry: HexGeometry = { size, cells, neighbours, edges, transposed };
  geometries.set(size, geometry);
  return geometry;
}

/**
 * A game of Hex, without the swap rule. Chains are kept in a union-find whose roots know the edges
 * they touch, so that a win shows at the move that makes it. Hex has no draws.
 *
 * @example
 * const board = new HexBoard(2);
 * board.play(0); // false: red in the top left corner
 * board.play(1); // false: blue
 * board.play(2); // true: red joined top and bottom
 */
export class HexBoard {
  readonly geometry: HexGeometry;
  /** 0 (empty), {@link RED} or {@link BLUE} a cell. Read only; use {@link play}. */
  readonly stones: Uint8Array;
  readonly #parent: Uint8Array;
  readonly #touches: Uint8Array;
  #turn: Player = RED;
  #winner: Player | 0 = 0;
  #moves = 0;

  constructor(size: number) {
    this.geometry = hexGeometry(size);
    this.stones = new Uint8Array(this.geometry.cells);
    this.#parent = new Uint8Array(this.geometry.cells);
    this.#touches = new Uint8Array(this.geometry.cells);
  }

  /** Whose move it is. */
  get turn(): Player {
    return this.#turn;
  }

  /** Who has won; 0 while the game goes on. */
  get winner(): Player | 0 {
    return this.#winner;
  }

  /** Stones on the board. */
  get moves(): number {
    return this.#moves;
  }

  /** Back to the empty board, red to move. */
  clear(): void {
    this.stones.fill(0);
    this.#turn = RED;
    this.#winner = 0;
    this.#moves = 0;
  }

  /** Become a copy of another board of the same size, without allocating. */
  copyFrom(other: HexBoard): void {
    this.stones.set(other.stones);
    this.#parent.set(other.#parent);
    this.#touches.set(other.#touches);
    this.#turn = other.#turn;
    this.#winner = other.#winner;
    this.#moves = other.#moves;
  }

  /** Place a stone for whose turn it is; true when it wins. Expects an empty cell (unchecked). */
  play(cell: number): boolean {
    const { neighbours, edges, cells } = this.geometry;
    const stones = this.stones;
    const player = this.#turn;
    stones[cell] = player;
    this.#parent[cell] = cell;
    let root = cell;
    let touches = edges[player * cells + cell]!;
    const first = cell * 7 + 1;
    const end = first + neighbours[cell * 7]!;
    for (let i = first; i < end; i++) {
      const neighbour = neighbours[i]!;
      if (stones[neighbour] !== player) continue;
      const other = this.#find(neighbour);
      if (other === root) continue;
      touches |= this.#touches[other]!;
      this.#parent[root] = other;
      root = other;
    }
    this.#touches[root] = touches;
    this.#moves++;
    this.#turn = (3 - player) as Player;
    if (touches !== BOTH_EDGES) return false;
    this.#winner = player;
    return true;
  }

  /** Whether a stone of whose turn it is would win on this empty cell. */
  wins(cell: number): boolean {
    const { neighbours, edges, cells } = this.geometry;
    const player = this.#turn;
    let touches = edges[player * cells + cell]!;
    const first = cell * 7 + 1;
    const end = first + neighbours[cell * 7]!;
    for (let i = first; i < end; i++) {
      const neighbour = neighbours[i]!;
      if (this.stones[neighbour] === player) touches |= this.#touches[this.#find(neighbour)]!;
    }
    return touches === BOTH_EDGES;
  }

  #find(cell: number): number {
    const parent = this.#parent;
    let at = cell;
    while (parent[at] !== at) {
      const above = parent[parent[at]!]!;
      parent[at] = above;
      at = above;
    }
    return at;
  }
}

/**
 * The winner of a completely filled board, by one flood from the top edge: in Hex, if red's stones
 * don't join top and bottom, blue's join left and right. `seen` and `stack` are scratch space of at
 * least `cells` entries, so that a playout allocates nothing.
 */
export function winnerOfFull(
  geometry: HexGeometry,
  stones: Uint8Array,
  seen: Uint8Array,
  stack: Uint8Array,
): Player {
  const { size, cells, neighbours } = geometry;
  seen.fill(0);
  let depth = 0;
  for (let cell = 0; cell < size; cell++) {
    if (stones[cell] !== RED) continue;
    seen[cell] = 1;
    stack[depth++] = cell;
  }
  while (depth > 0) {
    const cell = stack[--depth]!;
    if (cell >= cells - size) return RED;
    const first = cell * 7 + 1;
    const end = first + neighbours[cell * 7]!;
    for (let i = first; i < end; i++) {
      const neighbour = neighbours[i]!;
      if (seen[neighbour] === 1 || stones[neighbour] !== RED) continue;
      seen[neighbour] = 1;
      stack[depth++] = neighbour;
    }
  }
  return BLUE;
}
