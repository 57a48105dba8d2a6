// A list of tools with some cut out of it: what is left keeps every byte, because the text is cut and never written anew.
import { CLOSE_ARRAY, COLON, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from '../message/json-characters.ts'
import { JsonCursor } from '../message/json-cursor.ts'
import type { OpenRequests } from '../message/open-requests.ts'
import { jsonIn } from '../message/response.ts'
import * as z from 'zod'

/** What is read of a tool; everything else about it is the client's. */
export interface ListedTool {
  readonly name: string
  readonly isReadOnly: boolean
}

const toolSchema = z
  .object({ name: z.string(), annotations: z.object({ readOnlyHint: z.unknown() }).optional().catch(undefined) })
  .transform(({ name, annotations }): ListedTool => ({ name, isReadOnly: annotations?.readOnlyHint === true }))

const pageSchema = z.object({ result: z.object({ tools: z.array(z.unknown()), nextCursor: z.string().optional() }) })

const responseSchema = pageSchema.extend({ id: z.union([z.string(), z.number()]) })

function toolsIn(tools: readonly unknown[]): readonly ListedTool[] {
  return tools.flatMap((tool) => toolSchema.safeParse(tool).data ?? [])
}

/** The tools of a response to `tools/list`, and where the next of them are; undefined for anything else. */
export function listedIn(
  text: string,
): { readonly tools: readonly ListedTool[]; readonly nextCursor?: string | undefined } | undefined {
  const page = pageSchema.safeParse(jsonIn(text)).data
  return page && { ...page.result, tools: toolsIn(page.result.tools) }
}

/** The tools in those responses of a message, or in 2025-03-26 of a batch, that answer one of these requests. */
export function listedFor(text: string, asked: OpenRequests): readonly ListedTool[] {
  if (asked.areAnswered || !/"tools"|\\u/.test(text)) return []
  const message = jsonIn(text)
  return [message].flat().flatMap((response) => {
    const { id, result } = responseSchema.safeParse(response).data ?? {}
    return result && asked.has(JSON.stringify(id)) ? toolsIn(result.tools) : []
  })
}

/**
 * Cuts the tools that are not kept out of `result.tools` of a response, or in 2025-03-26 of each response of a batch. Any other
 * message comes back as it is; undefined for what is no JSON, of which nobody can say what it lists.
 */
export function cutTools(text: string, keeps: (tool: ListedTool) => boolean): string | undefined {
  if (jsonIn(text) === undefined) return undefined
  // Most events are notifications and name no tools; but a key may be spelled with escapes.
  return text.includes('"tools"') || text.includes('\\u') ? new Cutter(text, keeps).cut() : text
}

interface Span {
  readonly start: number
  readonly end: number
}

/** One pass over text that is known to be JSON, so the grammar is trusted. */
class Cutter extends JsonCursor {
  readonly #keeps: (tool: ListedTool) => boolean
  readonly #cuts: Span[] = []

  constructor(text: string, keeps: (tool: ListedTool) => boolean) {
    super(text)
    this.#keeps = keeps
  }

  cut(): string {
    if (this.next() === OPEN_ARRAY) this.#elements(() => this.#message())
    else this.#message()
    let left = ''
    let from = 0
    for (const { start, end } of this.#cuts) {
      left += this.text.slice(from, start)
      from = end
    }
    return left + this.text.slice(from)
  }

  #message(): void {
    this.#within('result', () => this.#within('tools', () => this.#list()))
  }

  /** Every member of this name: where there are two of it, nobody knows which one a client takes. */
  #within(name: string, member: () => void): void {
    if (this.next() !== OPEN_OBJECT) return this.skip()
    this.at++
    while (this.next() === QUOTE) {
      const start = this.at
      this.skipString()
      const key: unknown = JSON.parse(this.text.slice(start, this.at))
      if (this.next() === COLON) this.at++
      if (key === name) member()
      else this.skip()
      if (this.next() === COMMA) this.at++
    }
    this.at++
  }

  /** What goes takes the comma behind it along; at the end of the list, the comma before it. */
  #list(): void {
    if (this.next() !== OPEN_ARRAY) return this.skip()
    let lastKept: Span | undefined
    let going: Span | undefined
    this.#elements(() => {
      const start = this.at
      this.skip()
      const tool = { start, end: this.at }
      if (!this.#isKept(tool)) {
        going = { start: going?.start ?? start, end: tool.end }
        return
      }
      if (going) this.#cuts.push({ start: going.start, end: start })
      going = undefined
      lastKept = tool
    })
    if (going) this.#cuts.push({ start: lastKept?.end ?? going.start, end: going.end })
  }

  #isKept({ start, end }: Span): boolean {
    const tool = toolSchema.safeParse(JSON.parse(this.text.slice(start, end))).data
    return tool !== undefined && this.#keeps(tool)
  }

  #elements(element: () => void): void {
    this.at++
    while (this.next() !== CLOSE_ARRAY) {
      element()
      if (this.next() === COMMA) this.at++
    }
    this.at++
  }
}
