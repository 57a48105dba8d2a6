// Keeps regions of a portal page as the server would draw them now. Without it a reload does the same.
//
// A region names the address of its own markup (`data-live`), how often to ask for it in seconds (`data-live-every`), and whether
// the feed of the Directory says when (`data-live-feed`); with `data-live-over` in it, nothing more will come. Everything is drawn by the server, so that nothing a
// stranger wrote is ever put together here.
const regions = [...document.querySelectorAll('[data-live]')]
const status = document.querySelector('[data-live-status]')
const asking = new Set()
let over = false
let pressed = false

const say = (text, state) => {
  if (status === null || status.textContent === text) return
  status.textContent = text
  status.className = 'state state-' + state
}

// Who selects text, holds a button or has opened something in the region keeps it until they are done.
const isInUse = (region) => {
  const selection = getSelection()
  return (
    pressed || (!selection.isCollapsed && region.contains(selection.anchorNode)) || region.querySelector('details[open]') !== null
  )
}

const draw = (region, html) => {
  const next = new DOMParser().parseFromString(html, 'text/html').body
  if (next.innerHTML === region.innerHTML || isInUse(region)) return
  const focused = region.contains(document.activeElement) ? document.activeElement.id : ''
  region.replaceChildren(...next.childNodes)
  if (focused !== '') document.getElementById(focused)?.focus()
}

const ask = async (region) => {
  if (over || document.hidden || asking.has(region) || region.querySelector('[data-live-over]') !== null) return
  asking.add(region)
  try {
    const answer = await fetch(region.dataset.live, { redirect: 'manual' })
    if (answer.type === 'opaqueredirect' || answer.status === 403) {
      over = true
      say('You are signed out. Reload the page to sign in again.', 'ended')
    } else if (answer.ok) {
      draw(region, await answer.text())
      say('Live', 'live')
    } else say('The broker does not answer. Trying again.', 'warn')
  } catch {
    say('The broker does not answer. Trying again.', 'warn')
  } finally {
    asking.delete(region)
  }
}

let wait = 1000
const listen = () => {
  if (over) return
  const socket = new WebSocket(location.origin.replace(/^http/, 'ws') + '/admin/live')
  socket.addEventListener('message', ({ data }) => {
    wait = 1000
    if (JSON.parse(data).type === 'cf_agent_state') for (const region of fed) void ask(region)
  })
  socket.addEventListener('close', () => {
    setTimeout(listen, wait)
    wait = Math.min(wait * 2, 60000)
  })
}

document.addEventListener('pointerdown', () => (pressed = true))
for (const end of ['pointerup', 'pointercancel']) document.addEventListener(end, () => setTimeout(() => (pressed = false), 50))
document.addEventListener('visibilitychange', () => regions.forEach(ask))
for (const region of regions) {
  const seconds = Number(region.dataset.liveEvery)
  if (seconds > 0) setInterval(ask, seconds * 1000, region)
}
const fed = regions.filter((region) => 'liveFeed' in region.dataset)
if (fed.length > 0) listen()
