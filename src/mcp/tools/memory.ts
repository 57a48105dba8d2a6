// Which tools a downstream calls read-only, as it told each person a moment ago: memory only, bounded, and believed for a minute.
import type { ListedTool } from './listing.ts'
import { BoundedMap } from '../../platform/bounded-map.ts'

/** In seconds. As long as this a tool counts as read-only that is not any more. */
const BELIEVED_FOR = 60
/** A server that could not say is asked again sooner; not with every call, each of which would be several. */
const NOT_ASKED_FOR = 5

const MOST_LISTS = 200
const MOST_TOOLS = 1_000
const LONGEST_NAME = 256

interface ListMemory {
  /** Until when each is believed to be read-only, unix seconds. */
  readonly readOnly: BoundedMap<string, number>
  /** Until when what is not among them is taken for something else. */
  completeUntil: number
}

/**
 * Lists differ by person and by address, so whatever tells those apart names a list. The query is part of the address: servers list, and
 * annotate, by it (`?read_only=true`), so what one says is no word about another. Who invents queries is asked to pay for each question.
 */
export class ToolMemory {
  readonly #lists = new BoundedMap<string, ListMemory>(MOST_LISTS)
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Undefined when that has to be asked. */
  isReadOnly(list: string, tool: string): boolean | undefined {
    const known = this.#lists.get(list)
    if (!known) return undefined
    if ((known.readOnly.get(tool) ?? 0) > this.#now()) return true
    return known.completeUntil > this.#now() ? false : undefined
  }

  /** What a list that passes says, or one page of it. */
  learn(list: string, tools: readonly ListedTool[]): void {
    const { readOnly } = this.#known(list)
    for (const { name, isReadOnly } of tools) {
      readOnly.delete(name)
      if (isReadOnly && name.length <= LONGEST_NAME) readOnly.set(name, this.#now() + BELIEVED_FOR)
    }
  }

  /** The list was asked for; what is not known of it now is not, for a while. */
  asked(list: string, hasAnswered: boolean): void {
    this.#known(list).completeUntil = this.#now() + (hasAnswered ? BELIEVED_FOR : NOT_ASKED_FOR)
  }

  /** The list used last is forgotten last. */
  #known(list: string): ListMemory {
    const known = this.#lists.get(list) ?? { readOnly: new BoundedMap<string, number>(MOST_TOOLS), completeUntil: 0 }
    this.#lists.set(list, known)
    return known
  }
}
