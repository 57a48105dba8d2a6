// The gate before the tools of a downstream that has rules about them: what one person may call through it, and what they are shown.
import type { Downstream } from '../../settings/downstreams.ts'
import type { Envelope, Message } from '../message/json-rpc-body.ts'
import { McpRefusal } from '../message/refusal.ts'
import { OpenRequests } from '../message/open-requests.ts'
import { cutTools, listedFor, type ListedTool } from './listing.ts'
import type { ToolMemory } from './memory.ts'
import { isDisguised, rulesFor, scopesNeeded, verdictOn, type RuleSubject, type ToolTerms } from './policy.ts'

/**
 * What a client gets of one message of the downstream's; undefined where nobody can say what is in it. Of what stands in an event of
 * another type nothing is learned.
 */
export type Edit = (message: string, isMessage?: boolean) => string | undefined

export interface ToolUser extends RuleSubject {
  /** Of the token the request came with. */
  readonly scopes: readonly string[]
}

/** What is known of tools, and under which name it is found. */
export interface Knowledge {
  readonly memory: ToolMemory
  readonly list: string
}

export class ToolGate {
  readonly #downstream: ToolTerms
  readonly #person: ToolUser
  readonly #knowledge: Knowledge

  constructor(downstream: ToolTerms, person: ToolUser, knowledge: Knowledge) {
    this.#downstream = downstream
    this.#person = person
    this.#knowledge = knowledge
  }

  /** Of the answer to a question about tools; absent for any other, and where nothing is kept from anybody. */
  editOf(envelope: Envelope): Edit | undefined {
    const { tools } = this.#downstream
    if (!tools || !asksForTools(envelope)) return undefined
    return editing(tools, this.#person, { asked: listsIn(envelope), learn: (listed) => this.learn(listed) })
  }

  /**
   * Throws what must not pass, and a batch as a whole: what is left of one that was cut would be another message. False where
   * the downstream has to be asked first; once it was, what is not known to be read-only is not.
   */
  check(envelope: Envelope, isAsked = false): boolean {
    if (envelope.messages.some(({ method }) => isDisguised(method)))
      throw new McpRefusal('invalid_message', 'the method could be taken for one about tools: spell it as MCP does', {
        isForEach: envelope.isBatch,
      })
    const calls = envelope.messages.filter(({ method }) => method === 'tools/call').map((message) => called(message, envelope))
    const isDecided = calls.map((tool) => this.#isDecided(tool, envelope, isAsked)).every(Boolean)
    if (isDecided) this.#checkScopes(calls, envelope)
    return isDecided
  }

  learn(listed: readonly ListedTool[]): void {
    const { memory, list } = this.#knowledge
    memory.learn(list, listed)
  }

  asked(hasAnswered: boolean): void {
    const { memory, list } = this.#knowledge
    memory.asked(list, hasAnswered)
  }

  #isDecided(tool: string, envelope: Envelope, isAsked: boolean): boolean {
    const { tools } = this.#downstream
    if (!tools) return true
    const verdict = verdictOn(tool, rulesFor(tools, this.#person))
    if (verdict === 'allowed') return true
    if (verdict === 'denied')
      throw notAllowed(
        `The tool ${shown(tool)} is not allowed for you here: ask whoever runs this server for access`,
        tool,
        envelope,
      )
    const { memory, list } = this.#knowledge
    const isReadOnly = memory.isReadOnly(list, tool) ?? (isAsked ? false : undefined)
    if (isReadOnly === false) {
      const message = `The tool ${shown(tool)} is not allowed for you here: you may use tools that only read, and the server does not say so of this one`
      throw notAllowed(message, tool, envelope)
    }
    return isReadOnly === true
  }

  /** Last: nobody is sent to ask for a scope that would not help. */
  #checkScopes(calls: readonly string[], envelope: Envelope): void {
    const { scopes } = this.#person
    const needed = calls.flatMap((tool) => scopesNeeded(tool, this.#downstream))
    const missing = needed.find((scope) => !scopes.includes(scope))
    if (missing === undefined) return
    throw new McpRefusal(
      'insufficient_scope',
      `This needs the scope ${missing}, which was not granted yet: authorize again to add it`,
      {
        isForEach: envelope.isBatch,
        // What is asked for replaces what was granted in clients of 2025-11-25, and is added to it in later ones.
        scopes: [...new Set([...scopes, ...needed])],
        reason: `${missing} is missing`,
      },
    )
  }
}

/** Where a downstream has none, nothing is looked at. */
export function hasRules({ tools, toolScopes }: ToolTerms): boolean {
  return tools !== undefined || toolScopes !== undefined
}

export function editing(tools: NonNullable<Downstream['tools']>, person: RuleSubject, learning?: Learning): Edit {
  const rules = rulesFor(tools, person)
  const asked = learning && new OpenRequests(learning.asked)
  return (message, isMessage = true) => {
    if (asked && isMessage) learning.learn(listedFor(message, asked))
    return cutTools(message, (tool) => {
      const verdict = verdictOn(tool.name, rules)
      return verdict === 'allowed' || (verdict === 'if_read_only' && tool.isReadOnly)
    })
  }
}

/** Only what answers a question about tools says anything about them: the result of a call is whatever somebody wrote. */
interface Learning {
  /** Ids of those questions, in JSON. */
  readonly asked: readonly string[]
  readonly learn: (listed: readonly ListedTool[]) => void
}

export function listsIn({ messages }: Envelope): readonly string[] {
  return messages.flatMap(({ kind, method, id }) =>
    kind === 'request' && method === 'tools/list' && id !== undefined ? [id] : [],
  )
}

function asksForTools({ messages }: Envelope): boolean {
  return messages.some(({ method }) => method === 'tools/list')
}

function called({ kind, params: { name } }: Message, envelope: Envelope): string {
  if (kind !== 'request')
    throw new McpRefusal('invalid_message', 'tools/call is a request: it has an id', { isForEach: envelope.isBatch })
  if (typeof name === 'string') return name
  throw new McpRefusal('invalid_message', 'tools/call names its tool in params.name', { isForEach: envelope.isBatch })
}

function notAllowed(message: string, tool: string, envelope: Envelope): McpRefusal {
  const whole = envelope.isBatch ? `${message}. Nothing of the batch was sent` : message
  return new McpRefusal('tool_not_allowed', whole, { isForEach: envelope.isBatch, reason: short(tool) })
}

function shown(tool: string): string {
  return JSON.stringify(short(tool))
}

function short(tool: string): string {
  return tool.length > LONGEST_SHOWN ? `${tool.slice(0, LONGEST_SHOWN)}…` : tool
}

const LONGEST_SHOWN = 100
