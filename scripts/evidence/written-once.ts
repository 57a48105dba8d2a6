// Whether JSON says everything once. Of two members with one name most readers see the last, some the first: a proof has to be of one text.
const STRING = /"(?:[^"\\]|\\.)*"(\s*:)?/g

/** `said` is what the text was read as. RFC 8785 asks the same of what is made canonical. */
export function isWrittenOnce(text: string, said: unknown): boolean {
  // As the broker writes it: every member that is read is written, and nothing else.
  if (JSON.stringify(said) === text) return true
  let written = 0
  for (const [, colon] of text.matchAll(STRING)) if (colon !== undefined) written += 1
  return written === membersIn(said)
}

function membersIn(said: unknown): number {
  if (typeof said !== 'object' || said === null) return 0
  const members: readonly unknown[] = Object.values(said)
  const own = Array.isArray(said) ? 0 : members.length
  return members.reduce<number>((sum, member) => sum + membersIn(member), own)
}
