// An event stream as a test reads it: everything is taken in as it comes, with the moment it came, and can be looked for.

export interface ReadEvent {
  readonly id: string | undefined
  readonly data: string | undefined
  readonly retry: number | undefined
  readonly comment: string | undefined
  /** Milliseconds since the epoch. */
  readonly at: number
}

export class EventStream {
  readonly response: Response
  readonly events: ReadEvent[] = []
  /** Settles when the stream is over: ended in good order, or broken. */
  readonly over: Promise<'ended' | 'broken'>
  endedAt: number | undefined
  readonly #leave: AbortController
  #heard = Promise.withResolvers<void>()

  constructor(response: Response, leave: AbortController) {
    this.response = response
    this.#leave = leave
    this.over = this.#read().then(
      () => this.#end('ended'),
      () => this.#end('broken'),
    )
  }

  get status(): number {
    return this.response.status
  }

  /** Events with data, in order. */
  get messages(): readonly ReadEvent[] {
    return this.events.filter(({ data }) => data !== undefined && data !== '')
  }

  get lastId(): string | undefined {
    return this.events.findLast(({ id }) => id !== undefined)?.id
  }

  /** Why it was ended, as its comment says. */
  get closeReason(): string | undefined {
    return this.events.findLast(({ comment }) => comment?.startsWith('closed: '))?.comment?.slice('closed: '.length)
  }

  /** The first event that fits, now or as soon as there is one. */
  async find(fits: (event: ReadEvent) => boolean, withinMs = 15_000): Promise<ReadEvent> {
    const late = setTimeout(() => this.#heard.resolve(), withinMs)
    const deadline = Date.now() + withinMs
    try {
      for (;;) {
        const found = this.events.find(fits)
        if (found) return found
        if (this.endedAt !== undefined || Date.now() >= deadline) throw new Error(`no such event; ${this.#soFar()}`)
        await this.#heard.promise
      }
    } finally {
      clearTimeout(late)
    }
  }

  /** The first event with data that holds this text. */
  async message(text: string, withinMs?: number): Promise<ReadEvent> {
    return await this.find(({ data }) => data?.includes(text) === true, withinMs)
  }

  /** Hangs up. */
  leave(): void {
    this.#leave.abort()
  }

  async #read(): Promise<void> {
    let text = ''
    for await (const chunk of this.response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (text + chunk).split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) this.events.push(eventOf(block))
      this.#tell()
    }
  }

  #end(how: 'ended' | 'broken'): 'ended' | 'broken' {
    this.endedAt = Date.now()
    this.#tell()
    return how
  }

  #tell(): void {
    this.#heard.resolve()
    this.#heard = Promise.withResolvers()
  }

  #soFar(): string {
    const last = this.events.slice(-5).map(({ data, comment }) => data ?? `: ${comment}`)
    return `status ${this.status}, ${this.events.length} events, the last: ${last.join(' | ').slice(0, 500)}`
  }
}

/** The numbers in what `Feed.notify({ step })` sent, stream after stream. */
export function stepsOf(...streams: readonly EventStream[]): readonly number[] {
  return streams.flatMap(({ events }) =>
    events.flatMap(
      ({ data }) =>
        /"step":(\d+)/
          .exec(data ?? '')
          ?.slice(1)
          .map(Number) ?? [],
    ),
  )
}

function eventOf(block: string): ReadEvent {
  const lines = block.split('\n')
  const field = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name}: `) || line === `${name}:`)?.slice(name.length + 2)
  const retry = field('retry')
  const comment = block.startsWith(': ') ? block.slice(2) : undefined
  return { id: field('id'), data: field('data'), retry: retry === undefined ? undefined : Number(retry), comment, at: Date.now() }
}
