// What a person may call: the rules of a downstream, decided by the person's groups, the tool's name and what it says of itself.
import type { Identity } from '../../caller.ts'
import { fitsWildcard } from '../../platform/wildcard.ts'
import type { Downstream, ToolRule } from '../../settings/downstreams.ts'
import { isInOneOf } from '../../settings/people.ts'

export type ToolVerdict = 'allowed' | 'denied' | 'if_read_only'

/** What a downstream says about the tools behind it; without either there is nothing to decide. */
export type ToolTerms = Pick<Downstream, 'tools' | 'toolScopes'>

/** Whose groups they are, and who says so. */
export type RuleSubject = Pick<Identity, 'issuer' | 'groups'>

/** No tool is called like that; a name as long as a message would make every pattern a long search. */
const LONGEST_NAME = 1024

/** The rules that count for somebody: those that name one of their groups, and those that name none. */
export function rulesFor(rules: readonly ToolRule[], person: RuleSubject): readonly ToolRule[] {
  return rules.filter(({ groups }) => groups === undefined || isInOneOf(groups, person))
}

export function verdictOn(tool: string, rules: readonly ToolRule[]): ToolVerdict {
  if (tool.length > LONGEST_NAME || CONTROL.test(tool)) return 'denied'
  const loose = loosely(tool)
  if (rules.some(({ deny }) => deny.some((pattern) => fitsWildcard(loose, loosely(pattern))))) return 'denied'
  const allowing = rules.filter(({ allow }) => allow.some((pattern) => fitsWildcard(tool, pattern)))
  if (allowing.length === 0) return 'denied'
  return allowing.every(({ readOnly }) => readOnly) ? 'if_read_only' : 'allowed'
}

/** Every scope a call of the tool needs besides those everybody gets. */
export function scopesNeeded(tool: string, { toolScopes = [] }: ToolTerms): readonly string[] {
  const loose = loosely(tool.slice(0, LONGEST_NAME))
  return [...new Set(toolScopes.flatMap(({ tool: pattern, scope }) => (fitsWildcard(loose, loosely(pattern)) ? [scope] : [])))]
}

/**
 * What takes something away fits names in any spelling that a lenient server might take for the same tool; what gives something
 * fits the name exactly.
 */
function loosely(name: string): string {
  return name.replaceAll(UNSEEN, '').normalize('NFKC').replaceAll(UNSEEN, '').trim().toLowerCase()
}

/** What nobody sees: joiners, soft hyphens, marks of direction, and what has no meaning at all. */
const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/gu
/** A server that keeps text as C does reads a name up to the NUL in it; in names and methods there are no controls. */
const CONTROL = /\p{Cc}/u

/** Whether a method is no name of its own, but one that has rules in a spelling that a lenient server might take for it. */
export function isDisguised(method: string): boolean {
  if (method === 'tools/call' || method === 'tools/list') return false
  if (CONTROL.test(method)) return true
  const parts = loosely(method.slice(0, LONGEST_NAME)).split('/')
  const [group, verb, ...more] = parts.map((part) => part.trim()).filter((part) => part !== '')
  return group === 'tools' && (verb === 'call' || verb === 'list') && more.length === 0
}
