// Events in a body, read by the letter of the specification and with none of the broker's code: what it writes is read by somebody else.

export async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<{ id?: string; data?: string }> {
  let rest = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split(/\r?\n\r?\n/)
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const event: { id?: string; data?: string } = {}
      for (const line of block.split(/\r?\n/)) {
        const [, field, value = ''] = /^(id|data)(?:: ?(.*))?$/.exec(line) ?? []
        if (field === 'id') event.id = value
        if (field === 'data') event.data = event.data === undefined ? value : `${event.data}\n${value}`
      }
      yield event
    }
  }
}
