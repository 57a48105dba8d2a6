// The page Flight recorder in a browser: opens the key with what is typed, and shows messages as text, never as anything else.
import { plainCode, readerOf, unwrap } from './sealing-format.js'

const byId = (id) => document.getElementById(id)

// What can not be seen is spelled out; what would steer the direction of text, too.
const visible = (text) =>
  text.replace(/[\p{Cf}\p{Co}\p{Cs}]|(?![\n\t])\p{Cc}/gu, (c) => '\\u{' + c.codePointAt(0).toString(16) + '}')
const LONGEST_SHOWN = 200000
const pretty = (text) => {
  let laid = text
  try {
    laid = JSON.stringify(JSON.parse(text), null, 2)
  } catch {}
  const more = laid.length - LONGEST_SHOWN
  return visible(
    more > 0 ? laid.slice(0, LONGEST_SHOWN) + '\n… and ' + more + ' more characters: read all and save it to have them' : laid,
  )
}
const quoted = (text) => "'" + text.replace(/\p{Cc}|\p{Cf}/gu, '').replaceAll("'", "'\\''") + "'"

const element = (name, text, className = '') => {
  const made = document.createElement(name)
  made.textContent = text
  made.className = className
  // What scrolls is reached by the keyboard.
  if (name === 'pre') made.tabIndex = 0
  return made
}

// What a line of a terminal takes, at most.
const LONGEST_ARGUMENT = 100000
const fillCommands = (details, request) => {
  const put = (name, text) => {
    const place = details.querySelector('[data-command=' + name + '] [data-text]')
    if (place) place.textContent = text
  }
  put('curl', request.length > LONGEST_ARGUMENT ? '@message.json' : quoted(request))
  try {
    const { params, method } = JSON.parse(request)
    const option = method === 'prompts/get' ? ' --prompt-args ' : ' --tool-arg '
    const given = Object.entries(params?.arguments ?? {}).map(
      ([name, value]) => option + quoted(name + '=' + (typeof value === 'string' ? value : JSON.stringify(value))),
    )
    put('inspector', given.join(''))
  } catch {}
}

const linesOf = async function* (answer) {
  let rest = ''
  const text = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  for (let next = await text.read(); !next.done; next = await text.read()) {
    const lines = (rest + next.value).split('\n')
    rest = lines.pop()
    for (const line of lines) yield JSON.parse(line)
  }
}

const ask = async (path) => {
  const answer = await fetch(path, { redirect: 'manual' })
  if (!answer.ok) throw new Error('The broker does not answer. Sign in again, or try later.')
  return answer
}

export const readWith = (root) => {
  const [secret, status, problems] = ['secret', 'status', 'problems'].map((id) => byId('reader-' + id))
  const address = '/admin/api/recordings/' + root.dataset.reader + '/sealed'
  const open = new Map()
  root.hidden = false

  const say = (text) => {
    status.textContent = text
  }
  const complain = (list) => problems.replaceChildren(...list.slice(0, 50).map((text) => element('li', text)))
  const unlock = async () => {
    const typed = secret.value
    secret.value = ''
    if (typed === '') {
      say('Type the passphrase, or the recovery code of the kit.')
      return
    }
    say('Opening. This takes a few seconds.')
    const { keys } = await (await ask('/admin/api/sealing-keys')).json()
    const code = plainCode(typed)
    const faults = []
    for (const { fingerprint, wrapped, replacedAt, byName, by, createdAt } of keys) {
      if (open.has(fingerprint)) continue
      const ways = [...(code.length === 25 ? [[code, wrapped.recovery]] : []), [typed.normalize('NFKC'), wrapped.passphrase]]
      let isWeak = false
      for (const [text, jwe] of ways)
        if (!open.has(fingerprint))
          await unwrap(text, jwe, fingerprint).then(
            (key) => open.set(fingerprint, key),
            ({ message }) => (isWeak ||= message === 'weak'),
          )
      if (open.has(fingerprint)) continue
      const made = ' (made ' + new Date(createdAt * 1000).toISOString().slice(0, 10) + ' by ' + visible(byName ?? by) + ')'
      if (isWeak)
        faults.push(
          'The key ' +
            fingerprint +
            made +
            ' is wrapped more weakly than this page makes keys. It is not opened: tell your security team.',
        )
      else if (!replacedAt)
        faults.push(
          'This does not open the key in use, ' +
            fingerprint +
            made +
            '. If it is not on your printed kit, somebody has put another in its place: do not record messages.',
        )
      else faults.push('This does not open the earlier key ' + fingerprint + made + '.')
    }
    say(
      open.size === 0
        ? 'Wrong passphrase or recovery code: no key was opened.'
        : 'Open: ' + [...open.keys()].join(', ') + '. Compare with your printed kit.',
    )
    complain(faults)
    byId('reader-locked').hidden = open.size === keys.length
    byId('reader-opened').hidden = open.size === 0
    document.querySelectorAll('details.exchange[open]').forEach(show)
  }

  const read = async (path, told, report) => {
    const reader = readerOf((fingerprint) => open.get(fingerprint), told, report)
    for await (const line of linesOf(await ask(path))) await reader.take(line)
    return reader
  }

  const show = async (details) => {
    const place = details.querySelector('[data-messages]')
    const numbers = details.dataset.sealed.split(' ').filter(Boolean)
    if (!place || !details.open || open.size === 0) return
    const [shown, faults] = [[], []]
    for (const number of numbers.slice(0, 100)) {
      const told = ({ kind, request, answer }) => {
        if (request !== undefined) {
          shown.push(element('strong', 'Request'), element('pre', pretty(request), 'snippet message'))
          fillCommands(details, request)
        }
        if (answer !== undefined)
          shown.push(element('strong', kind === 'event' ? 'Event' : 'Answer'), element('pre', pretty(answer), 'snippet message'))
      }
      const report = (code, text) => code !== 'beginning_gone' && code !== 'missing' && faults.push(text)
      const reader = await read(address + '?entry=' + number, told, report)
      await reader.take({ type: 'entry' })
    }
    if (numbers.length > 100) faults.push('The first 100 messages are shown: read all and save it to have the others.')
    const box = element('div', '', 'stack')
    box.dataset.messages = ''
    box.replaceChildren(...faults.map((text) => element('p', text, 'note note-danger')), ...shown)
    place.replaceWith(box)
  }

  const save = async () => {
    say('Reading.')
    const [lines, faults] = [[], []]
    const reader = await read(
      address,
      (entry) => lines.push(JSON.stringify(entry) + '\n'),
      (code, text) => faults.push(text),
    )
    reader.end()
    const link = byId('reader-file')
    URL.revokeObjectURL(link.href)
    link.href = URL.createObjectURL(new Blob(lines, { type: 'application/x-ndjson' }))
    link.hidden = false
    say(
      faults.length === 0
        ? lines.length + ' entries, whole: nothing was removed or changed.'
        : lines.length + ' entries. Not everything is as it was recorded:',
    )
    complain(faults)
  }

  const guarded = (work) => (event) => work(event).catch(({ message }) => say(message))
  byId('reader-open').addEventListener('click', guarded(unlock))
  secret.addEventListener('keydown', (event) => event.key === 'Enter' && guarded(unlock)(event))
  byId('reader-export').addEventListener('click', guarded(save))
  byId('reader-close').addEventListener('click', () => location.reload())
  document.addEventListener('toggle', ({ target }) => target.matches('details.exchange') && guarded(show)(target), true)
}

document.addEventListener(
  'toggle',
  ({ target }) => target.querySelectorAll?.('[data-copy]').forEach((button) => (button.hidden = false)),
  true,
)
document.addEventListener('click', async ({ target }) => {
  if (!target.matches('[data-copy]')) return
  const text = target.closest('[data-command]').querySelector('pre').textContent.trim()
  target.textContent = await navigator.clipboard.writeText(text).then(
    () => 'Copied',
    () => 'Select it and copy',
  )
})
