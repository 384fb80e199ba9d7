/** The patterns that the braces of a pattern stand for, as a union; `**.**` is written `**` in them. */
type Alternatives<P extends string> = P extends `${infer Before}{${infer Inside}}${infer After}`
  ? Alternatives<Joined<Joined<Before, Choices<Inside>>, After>>
  : P extends `${infer Before}**.**${infer After}`
    ? Alternatives<`${Before}**${After}`>
    : P;

/** Two stars that only braces have brought together are one. */
type Joined<A extends string, B extends string> = A extends `${string}*`
  ? A extends `${string}**`
    ? `${A}${B}`
    : B extends `**${string}`
      ? `${A}${B}`
      : B extends `*${infer Rest}`
        ? `${A}${Rest}`
        : `${A}${B}`
  : `${A}${B}`;

type Choices<Inside extends string> = Inside extends `${infer First},${infer Rest}`
  ? First | Choices<Rest>
  : Inside;

/** Whether a type stands for many texts, as `user.${string}` does. */
export type IsOpen<T extends string> = {} extends Record<T, 1> ? true : false;

type OpenOnly<K extends string> = K extends string ? (IsOpen<K> extends true ? K : never) : never;

type SegmentWildcard = `${string}*${string}` | `${string}?${string}` | `${string}[${string}`;

/**
 * Those of the names `K` that a pattern can match. Names that are texts are found exactly; names
 * with placeholders (`user.${string}`) when nothing before their first placeholder speaks against it.
 */
export type MatchingNames<K extends string, P extends string> =
  | ClosedMatching<Exclude<K, OpenOnly<K>>, K, Alternatives<P>>
  | OpenMatching<OpenOnly<K>, Alternatives<P>>;

/** The common shapes have a path of their own that asks each name one question. */
type ClosedMatching<Closed extends string, K extends string, P extends string> = P extends string
  ? P extends "**"
    ? Closed
    : P extends SegmentWildcard
      ? P extends `${infer Prefix}.**`
        ? Prefix extends SegmentWildcard
          ? AmongAlike<Extract<Closed, Shape<P>>, P>
          : Extract<Closed, Prefix | `${Prefix}.${string}`>
        : P extends `${infer Prefix}.*`
          ? Prefix extends SegmentWildcard
            ? AmongAlike<Extract<Closed, Shape<P>>, P>
            : Exclude<Extract<Closed, `${Prefix}.${string}`>, `${Prefix}.${string}.${string}`>
          : AmongAlike<Extract<Closed, Shape<P>>, P>
      : P extends K
        ? P
        : never
  : never;

type AmongAlike<T extends string, P extends string> = T extends string
  ? PathMatches<T, P> extends true
    ? T
    : never
  : never;

type OpenMatching<Open extends string, P extends string> = Open extends string
  ? P extends SegmentWildcard
    ? OpenMatches<Open, P> extends true
      ? Open
      : never
    : never
  : never;

/** A pattern as template literals that match at least what it matches: `*` may span dots in them. */
type Shape<P extends string> = P extends "**"
  ? string
  : P extends `**.${infer Rest}`
    ? Shape<Rest> | `${string}.${Shape<Rest>}`
    : P extends `${infer Head}.**.${infer Rest}`
      ? `${Spread<Head>}.${Shape<Rest>}` | `${Spread<Head>}.${string}.${Shape<Rest>}`
      : P extends `${infer Head}.**`
        ? Spread<Head> | `${Spread<Head>}.${string}`
        : Spread<P>;

/** Wildcards become placeholders, one for a run of them: the second of two would ask for a character. */
type Spread<P extends string> = P extends `${string}**${string}` ? never : Placeholders<AsStars<P>>;

type AsStars<P extends string> = P extends `${infer Before}[${string}]${infer After}`
  ? AsStars<`${Before}*${After}`>
  : P extends `${infer Before}?${infer After}`
    ? AsStars<`${Before}*${After}`>
    : P;

type Placeholders<P extends string> = P extends `${infer Before}*${infer After}`
  ? After extends `*${string}`
    ? Placeholders<`${Before}${After}`>
    : `${Before}${string}${Placeholders<After>}`
  : P;

/** Whether a text matches a pattern without braces, segment by segment. */
type PathMatches<T extends string, P extends string> = P extends "**"
  ? true
  : P extends `**.${infer Rest}`
    ? PathMatches<T, Rest> extends true
      ? true
      : T extends `${string}.${infer Tail}`
        ? PathMatches<Tail, P>
        : false
    : P extends `${infer Head}.${infer Rest}`
      ? T extends `${infer First}.${infer Tail}`
        ? SegmentMatches<First, Head> extends true
          ? PathMatches<Tail, Rest>
          : false
        : Rest extends "**"
          ? SegmentMatches<T, Head>
          : false
      : T extends `${string}.${string}`
        ? false
        : SegmentMatches<T, P>;

/** Whether a text without dots matches one segment of a pattern, character by character. */
type SegmentMatches<T extends string, P extends string> = P extends "*" | T
  ? true
  : P extends SegmentWildcard
    ? P extends `*${infer Rest}`
      ? SegmentMatches<T, Rest> extends true
        ? true
        : T extends `${infer _}${infer Tail}`
          ? SegmentMatches<Tail, P>
          : false
      : T extends `${infer First}${infer Tail}`
        ? P extends `?${infer Rest}`
          ? SegmentMatches<Tail, Rest>
          : P extends `[${infer Class}]${infer Rest}`
            ? First extends Members<Class>
              ? SegmentMatches<Tail, Rest>
              : false
            : P extends `${First}${infer Rest}`
              ? SegmentMatches<Tail, Rest>
              : false
        : false
    : false;

/** The characters that a topic may have between its dots, in the order that ranges count in. */
type Alphabet = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/** The characters of `[ab]` and `[a-f]`. */
type Members<Class extends string> = Class extends `${infer First}${infer Tail}`
  ? Tail extends `-${infer Last}${infer Rest}`
    ? Range<First, Last> | Members<Rest>
    : First | Members<Tail>
  : never;

type Range<First extends string, Last extends string> =
  | First
  | (Alphabet extends `${string}${First}${infer Between}${Last}${string}`
      ? Last | Members<Between>
      : never);

/**
 * Whether a pattern may match texts of an open name: compared up to the first placeholder or `**`,
 * from where on both may be anything.
 */
type OpenMatches<T extends string, P extends string> = P extends "**" | `**.${string}`
  ? true
  : P extends `${infer Head}.${infer Rest}`
    ? T extends `${infer First}.${infer Tail}`
      ? IsOpen<First> extends true
        ? BeginsAlike<First, Head>
        : SegmentMatches<First, Head> extends true
          ? OpenMatches<Tail, Rest>
          : false
      : BeginsAlike<T, Head>
    : T extends `${string}.${string}`
      ? false
      : BeginsAlike<T, P>;

/** Compares the beginning of an open segment with that of a pattern's segment. */
type BeginsAlike<T extends string, P extends string> = T extends `${infer First}${infer Tail}`
  ? IsOpen<First> extends true
    ? true
    : P extends `${"*" | "?" | "["}${string}`
      ? true
      : P extends `${First}${infer Rest}`
        ? BeginsAlike<Tail, Rest>
        : false
  : true;
