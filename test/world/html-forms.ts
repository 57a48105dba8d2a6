// Reads the forms of a page the way a browser without JavaScript would submit them.

interface FormButton {
  readonly id: string | undefined
  readonly name: string | undefined
  readonly value: string
  readonly label: string
}

export interface Form {
  readonly id: string | undefined
  readonly method: 'GET' | 'POST'
  /** Absolute: already resolved against the page. */
  readonly action: string
  /** What is sent if nothing is filled in: hidden, preset and checked fields. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly buttons: readonly FormButton[]
}

export function formsOf(html: string, pageUrl: string): readonly Form[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head = '', body = '']) => {
    const form = attributesOf(head)
    return {
      id: form.get('id'),
      method: form.get('method')?.toLowerCase() === 'post' ? 'POST' : 'GET',
      action: new URL(form.get('action') || pageUrl, pageUrl).href,
      fields: fieldsOf(body),
      buttons: buttonsOf(body),
    }
  })
}

/** Where the link with this id leads, exactly as it is written. */
export function linkIn(html: string, id: string): string | undefined {
  for (const [, head = ''] of html.matchAll(/<a\b([^>]*)>/gi)) {
    const link = attributesOf(head)
    if (link.get('id') === id) return link.get('href')
  }
  return undefined
}

function fieldsOf(body: string): [string, string][] {
  const fields: [string, string][] = []
  for (const [, head = ''] of body.matchAll(/<input\b([^>]*)>/gi)) {
    const input = attributesOf(head)
    const name = input.get('name')
    const type = input.get('type')?.toLowerCase()
    const isChoice = type === 'checkbox' || type === 'radio'
    if (!name || type === 'submit' || input.has('disabled') || (isChoice && !input.has('checked'))) continue
    fields.push([name, input.get('value') ?? (isChoice ? 'on' : '')])
  }
  for (const [, head = '', options = ''] of body.matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/gi)) {
    const name = attributesOf(head).get('name')
    const choices = [...options.matchAll(/<option\b([^>]*)>([^<]*)/gi)].map(([, option = '', text = '']) => ({
      option: attributesOf(option),
      text,
    }))
    const chosen = choices.find(({ option }) => option.has('selected')) ?? choices[0]
    if (name && chosen) fields.push([name, chosen.option.get('value') ?? decoded(chosen.text.trim())])
  }
  for (const [, head = '', text = ''] of body.matchAll(/<textarea\b([^>]*)>([\s\S]*?)<\/textarea>/gi)) {
    const name = attributesOf(head).get('name')
    if (name) fields.push([name, decoded(text)])
  }
  return fields
}

function buttonsOf(body: string): FormButton[] {
  return [...body.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>/gi)].map(([, head = '', content = '']) => {
    const button = attributesOf(head)
    const label = decoded(content.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')).trim()
    return { id: button.get('id'), name: button.get('name'), value: button.get('value') ?? '', label }
  })
}

function attributesOf(head: string): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const [, name = '', double, single, bare] of head.matchAll(/([^\s=/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)) {
    attributes.set(name.toLowerCase(), decoded(double ?? single ?? bare ?? ''))
  }
  return attributes
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

function decoded(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|([a-z]+));/gi, (entity, hex?: string, decimal?: string, name?: string) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16))
    if (decimal) return String.fromCodePoint(Number(decimal))
    return NAMED[name ?? ''] ?? entity
  })
}
