import picomatch from "picomatch/posix.js";
import { describe, expect, it } from "vitest";
import { createEventBus } from "../src/index.ts";

/**
 * What picomatch's own tests assert of patterns that the grammar allows, a `.` for each `/`: the pattern, texts
 * that match, and texts that don't. Left out is what topics haven't: file extensions, hidden files, trailing
 * slashes, and more than two `*` in a segment.
 */
const ASSERTIONS: readonly (readonly [
  pattern: string,
  matching: readonly string[],
  others?: readonly string[],
])[] = [
  // One star
  ["*", ["a", "b", "ab", "abc", "aaa", "foo"], ["a.a", "a.a.a", "a.a.b", "a.a.a.a", "foo.bar"]],
  ["a*", ["abc"], ["a.b"]],
  ["b*", ["bar"], ["foo"]],
  ["f*", ["foo"], ["bar"]],
  ["*c", ["abc"]],
  ["*f", [], ["foo"]],
  ["*r", ["bar"], ["foo"]],
  ["*ab", ["aaaaaaabababab"]],
  ["a*c", ["abc"]],
  ["aaa*", [], ["aaa.bba.ccc"]],
  ["foo*", [], ["foo.bba.arr"]],
  ["foo*bar", [], ["foo.baz.bar"]],
  // Two stars in a segment
  ["*a*", ["bar"], ["foo"]],
  ["*abc*", ["oneabctwo"]],
  ["*foo*", ["foo"]],
  ["*j*i", ["abzzzejklhi"]],
  ["*X*i", ["abcXdefXghi"], ["ab.cXd.efXg.hi"]],
  ["*Xg*i", [], ["ab.cXd.efXg.hi"]],
  // Question marks
  ["?", ["a"], ["aa", "ab", "aaa", "abcdefg"]],
  ["??", ["aa", "ab"], ["a", "foo", "aaa", "abcdefg"]],
  ["???", ["aaa", "foo"], ["a", "aa", "ab", "a.a", "abcdefg"]],
  ["a?a", ["aaa"], ["aa", "a.a"]],
  ["aa?", ["aaa"], ["aa"]],
  ["?aa", ["aaa"], ["aa"]],
  ["?a", ["aa"], ["a", "aaa", "aaaaa"]],
  ["?a?", ["aaa"], ["a", "aa", "aaaaa"]],
  ["aaa?a", ["aaaaa"], ["aaa"]],
  ["a?a?a", ["aaaaa"], ["aaa"]],
  ["a???a", ["aaaaa"], ["aaa"]],
  ["a?????", [], ["aaaaa"]],
  ["a*?c", ["aac", "abc"], ["aaa"]],
  ["foo?bar", [], ["foo.bar"]],
  ["?.?", ["a.a", "a.b"], ["a.a.a", "a.aa.a"]],
  ["?.???.?", ["a.aaa.a"], ["a.a", "a.aa.a", "a.aaaa.a"]],
  ["?.????.?", ["a.aaaa.a"], ["a.aaa.a", "a.aaaaa.a"]],
  ["?.?????.?", ["a.aaaaa.a"], ["a.aaaa.a"]],
  ["a.?", ["a.a"], ["a.a.a", "a.aa.a"]],
  ["a.?.a", ["a.a.a"], ["a.a", "a.aa.a"]],
  ["a.??.a", ["a.aa.a"], ["a.a.a", "a.aaa.a"]],
  ["a.???.a", ["a.aaa.a"], ["a.aa.a", "a.aaaa.a"]],
  ["a.????a.a", ["a.aaaaa.a"], ["a.aaaa.a"]],
  ["a.?.e", [], ["a.bb.e"]],
  ["a.?.**.e", ["a.b.c.d.efghijk.e"], ["a.bb.e"]],
  ["a.*.?.**.e", ["a.b.c.d.efghijk.e"]],
  ["a.?.c.?.*.e", ["a.b.c.d.e.e", "a.b.c.d.efghijk.e"], ["a.b.c.d.e"]],
  // Brackets
  ["[a]*", ["a", "aa", "aaa"], ["a.b"]],
  ["[a-z]*", ["az", "zzz"]],
  ["a[bc]d", ["abd"], ["abc"]],
  ["a[b-d]", ["ac"], ["abc", "abd", "abe", "a-"]],
  ["a[b-d]e", ["abe"], ["abc", "abd", "ac", "a-"]],
  ["a[c-]", ["ac", "a-"], ["abc"]],
  ["a.[a-z]", ["a.a", "a.b", "a.c"], ["a.x.y"]],
  ["a.[b-c]", ["a.b", "a.c"], ["a.a", "a.z"]],
  ["[a-z].[a-z]", ["a.b", "a.z", "z.z"]],
  ["**.[jkl]*", ["foo.jar"], ["foo.bar"]],
  ["**.[abc]*", ["foo.bar"], ["foo.jar"]],
  ["**.[abc]ar", ["foo.bar"], ["foo.jar"]],
  // A star a segment
  ["*.*", ["a.a", "a.b", "a.z", "foo.bar"], ["a", "ab", "a.a.a", "a.x.y"]],
  ["*.*.*", ["a.a.a", "foo.bba.arr", "aaa.bba.ccc"], ["a", "foo", "a.a", "aaa.bb.aa.rr"]],
  ["*.*.*.*", ["a.a.a.a"], ["a", "a.a", "a.a.a", "a.a.a.a.a"]],
  ["*.*.*.*.*", ["a.a.a.a.a"], ["a", "a.a.b", "a.a.a.a", "a.a.a.a.a.a"]],
  ["a.*", ["a.a"], ["a", "a.a.a", "a.b.c", "a.x.y"]],
  ["a.*.*", ["a.a.a"], ["a", "a.a", "b.a.a", "a.a.a.a"]],
  ["a.*.*.*", ["a.a.a.a"], ["a.a.a", "a.a.a.a.a"]],
  ["a.*.*.*.*", ["a.a.a.a.a"], ["a.a.b", "a.a.a.a"]],
  ["a.*.a", ["a.a.a"], ["a", "a.a", "a.a.b", "a.a.a.a"]],
  ["a.*.b", ["a.a.b"], ["a.a.a", "a.a.a.a"]],
  ["*.foo", [], ["bar.baz.foo"]],
  ["aaa.*", ["aaa.bbb"], ["aaa.bba.ccc"]],
  ["aaa.*ccc", [], ["aaa.bba.ccc"]],
  ["aaa.*z", [], ["aaa.bba.ccc"]],
  ["*.*z*.*.*i", ["ab.zzz.ejkl.hi"]],
  ["*.*jk*.*i", [], ["ab.zzz.ejkl.hi"]],
  ["*.*X*.*.*i", ["ab.cXd.efXg.hi"]],
  // Any number of segments
  ["**", ["a", "a.b", "a.b.c", "a.b.c.d"]],
  ["**.**", ["a", "a.b", "a.b.c", "a.b.c.d"]],
  ["**.**.**", ["foo.bb.aa.rr"]],
  ["**.*", ["ab", "foo", "ab.c", "a.b.c", "foo.bar"]],
  ["**.**.*", ["a", "a.b", "a.b.c", "a.b.c.d"]],
  ["**.a", ["a"]],
  ["**.b", ["a.b"], ["a.b.c"]],
  ["**.**.b", ["a.b"], ["a.b.c"]],
  ["**.abc", ["abc"]],
  ["**.foo", ["bar.baz.foo", "XXX.foo"]],
  ["a.**", ["a", "a.b", "a.b.c", "a.b.c.d"]],
  ["b.**", [], ["a.b", "a.b.c", "a.b.c.d"]],
  ["foo.**", ["foo", "foo.bba.arr"]],
  ["a.**.*", ["a.b", "a.b.c", "a.b.c.d"], ["a"]],
  ["a.**.**.*", ["a.b", "a.b.c", "a.b.c.d"], ["a"]],
  ["a.**.b", ["a.b"], ["a.bb", "a.a.bb"]],
  ["foo.**.bar", ["foo.bar", "foo.baz.bar", "foo.b.a.z.bar"]],
  ["foo.**.**.bar", ["foo.bar", "foo.baz.bar", "foo.b.a.z.bar"]],
  ["**.a.*", [], ["a"]],
  ["**.a.**", ["a"]],
  ["**.b.*", ["a.b.c"], ["a.b"]],
  ["**.b.**", ["a.b", "a.b.c", "a.b.c.d"]],
  ["**.b.*.*", ["a.b.c.d"], ["a.b", "a.b.c"]],
  ["**.d.*", [], ["a.b.c.d"]],
  ["**.bar.*", ["deep.foo.bar.baz"], ["deep.foo.bar"]],
  ["**.bar.*.*", ["deep.foo.bar.baz.x"]],
  ["**.bar*", [], ["foo.bar.baz"]],
  ["*.**", ["foo.bar", "a.b.c"]],
  ["*.**.a", ["a.a", "a.a.a", "a.a.a.a", "a.a.a.a.a"], ["a", "a.a.b"]],
  ["*.a.**", [], ["a"]],
  ["*.b.**", ["a.b", "a.b.c", "a.b.c.d"]],
  ["*.bar.**", ["foo.bar.baz.x"], ["deep.foo.bar.baz.x"]],
  ["a.**.b.**.c", ["a.b.c.b.c"]],
  ["**.*X*.**.*i", ["ab.cXd.efXg.hi"]],
  // Braces
  ["a{,.**}", ["a"]],
  ["foo{,.**}", ["foo"]],
  ["a.b.**.c{d,e}.**.xyz", [], ["a.b.c.xyz", "a.b.d.xyz"]],
];

function matches(pattern: string, topic: string): boolean {
  const bus = createEventBus();
  bus.subscribe(pattern, () => {});
  return bus.publishSync(topic) === 1;
}

/** The same of picomatch, with its own defaults. */
function picomatchMatches(pattern: string, topic: string): boolean {
  return picomatch.isMatch(topic.replaceAll(".", "/"), pattern.replaceAll(".", "/"));
}

describe("what picomatch asserts of its patterns", () => {
  const cases = ASSERTIONS.map(([pattern, matching, others = []]) => ({
    pattern,
    matching,
    others,
  }));
  it.each(cases)("holds for topics: $pattern", ({ pattern, matching, others }) => {
    const topics = [...matching, ...others];
    expect(topics.filter((topic) => matches(pattern, topic))).toEqual(matching);
    // A version that asserts something else makes this table wrong.
    expect(topics.filter((topic) => picomatchMatches(pattern, topic))).toEqual(matching);
  });

  it("but for '**' after a '*', which may stand for nothing, as after a word", () => {
    expect([matches("foo.**", "foo"), matches("*.**", "foo")]).toEqual([true, true]);
    expect([picomatchMatches("foo.**", "foo"), picomatchMatches("*.**", "foo")]).toEqual([
      true,
      false,
    ]);
  });
});
