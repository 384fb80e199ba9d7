/** The stage names that make up one phase of a pipeline. */
export interface PhaseStages<Stage extends string = string> {
  /** Its completion; with `success: false` its failure. */
  readonly complete: Stage | readonly Stage[];
  readonly started?: Stage | readonly Stage[];
  /** @default what the catalogue says; without one, `<phase>_failed` */
  readonly failed?: Stage | readonly Stage[];
  /** Turned down without an error: the iteration is over. @default what the catalogue says */
  readonly rejected?: Stage | readonly Stage[];
  /**
   * Whether the phase goes on while later ones run, as self-play does during training. Its
   * completions are then legal at any time, and count for the next iteration. @default false
   */
  readonly continuous?: boolean;
}

/** What a stage says: a phase began, was completed, failed, or was turned down. */
export type StageMeaning = "started" | "completed" | "failed" | "rejected";

/** What one stage name means to a pipeline. */
export interface PhaseStage<Phase extends string = string> {
  /** `undefined` for a failure that several phases share: it means the one that is running. */
  readonly phase: Phase | undefined;
  readonly meaning: StageMeaning;
}

/** One name or several, as a list. */
export function namesOf(names: string | readonly string[] | undefined): readonly string[] {
  if (names === undefined) return [];
  return typeof names === "string" ? [names] : names;
}
