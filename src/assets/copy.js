// Buttons that copy an address or a snippet. Without the script a click selects all of it, as it does without a clipboard.
if (navigator.clipboard)
  for (const code of document.querySelectorAll('.endpoint .pick, .snippet .pick')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'button button-small copy'
    const of = code.closest('details')?.querySelector('summary span')?.textContent
    const label = of ? 'Copy for ' + of : 'Copy the address'
    const name = (text, spoken) => {
      button.textContent = text
      button.setAttribute('aria-label', spoken)
    }
    name('Copy', label)
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(code.textContent)
        name('Copied', 'Copied')
        setTimeout(() => name('Copy', label), 2000)
      } catch {
        getSelection().selectAllChildren(code)
      }
    })
    const block = code.closest('.snippet') ?? code
    const next = block.nextElementSibling
    if (next?.classList.contains('actions')) next.prepend(button)
    else block.after(button)
  }
