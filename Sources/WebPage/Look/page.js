// The page without this module is whole: the server renders everything. This looks again once a second while somebody
// sees the page, and puts what has changed into the document.
const main = document.getElementById('content');
const pulse = document.getElementById('pulse');

// Times as the reader's, with UTC beside.
function localize(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const date = new Date(time.dateTime);
    if (isNaN(date)) continue;
    time.title = time.dateTime.replace('T', ' ').replace('Z', ' UTC');
    const clock = time.dataset.clock;
    const options = clock
      ? {
          hour: '2-digit', minute: '2-digit', second: clock === 'second' ? '2-digit' : undefined,
          ...(clock === 'day' ? { month: 'short', day: 'numeric' } : {}),
        }
      : { dateStyle: 'medium', timeStyle: 'medium' };
    time.textContent = new Intl.DateTimeFormat(undefined, { ...options, hourCycle: 'h23' }).format(date);
  }
}

// Makes `old` like `fresh`, node by node, so that focus, scrolling and what is open stay.
function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.dataset.keep !== undefined) return;
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(name === 'open' && old.nodeName === 'DETAILS')) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const olds = [...old.childNodes];
  const news = [...fresh.childNodes];
  news.forEach((node, index) => {
    if (index < olds.length) morph(olds[index], node);
    else old.append(document.importNode(node, true));
  });
  olds.slice(news.length).forEach((node) => node.remove());
}

let timer;
let failures = 0;

async function look() {
  clearTimeout(timer);
  if (!main.dataset.look || document.hidden) return;
  try {
    const answer = await fetch(location.href, { redirect: 'manual', cache: 'no-store', signal: AbortSignal.timeout(8000) });
    if (answer.type === 'opaqueredirect') return location.reload();
    if (!answer.ok) throw new Error(`the process answers ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('content');
    if (!fresh) throw new Error('the process answers something else');
    localize(fresh);
    const chosen = document.activeElement?.closest?.('form');
    if (!chosen || !main.contains(chosen)) morph(main, fresh);
    failures = 0;
    pulse.textContent = '';
  } catch (error) {
    failures += 1;
    pulse.textContent = `No answer: these figures are old (${error.name === 'TypeError' ? 'the process cannot be reached' : error.message})`;
  }
  timer = setTimeout(look, Math.min(Number(main.dataset.look || 1000) * 2 ** Math.min(failures, 4), 30000));
}

// The values under the pointer.
function read(event) {
  const chart = event.target.closest?.('.chart svg');
  for (const old of document.querySelectorAll('.reading')) if (!chart || old.parentNode !== chart.parentNode) old.remove();
  if (!chart) return;
  const box = chart.getBoundingClientRect();
  const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  const names = chart.dataset.names.split('|');
  const lines = chart.dataset.values.split('\n').map((line) => line.split('|'));
  const count = lines[0].length;
  const isStretch = chart.dataset.stretches !== undefined;
  const index = isStretch ? Math.min(count - 1, Math.floor(share * count)) : Math.round(share * (count - 1));
  const [from, to] = [Number(chart.dataset.from), Number(chart.dataset.to)];
  // A stretch is called by its beginning.
  const date = new Date((from + (isStretch ? index / count : share) * (to - from)) * 1000);
  const texts = lines.map((line, n) => `${names[n] ? names[n] + ' ' : ''}${line[index] || '–'}`);
  let reading = chart.parentNode.querySelector('.reading');
  if (!reading) {
    reading = document.createElement('output');
    reading.className = 'reading';
    reading.dataset.keep = '';
    chart.parentNode.append(reading);
  }
  reading.textContent = `${new Intl.DateTimeFormat(undefined, { dateStyle: to - from >= 80000 ? 'medium' : undefined, timeStyle: 'medium', hourCycle: 'h23' }).format(date)}: ${texts.join(', ')}`;
}

const theme = document.getElementById('theme');
function wear(name) {
  if (name) document.documentElement.dataset.theme = name;
}
wear(localStorage.getItem('theme'));
if (theme) {
  theme.hidden = false;
  theme.addEventListener('click', () => {
    const dark = getComputedStyle(document.documentElement).getPropertyValue('--is-dark').trim() === '1';
    localStorage.setItem('theme', dark ? 'light' : 'dark');
    wear(dark ? 'light' : 'dark');
  });
}

for (const form of document.querySelectorAll('form[data-send]')) {
  form.addEventListener('change', () => form.requestSubmit());
}
document.addEventListener('click', (event) => {
  const button = event.target.closest?.('button[data-copy]');
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  // Browsers have no clipboard for pages of other machines without TLS, and may refuse it.
  const byHand = () => {
    getSelection().selectAllChildren(source);
    button.textContent = document.execCommand('copy') ? 'Copied' : 'Selected: copy it by keyboard';
  };
  if (navigator.clipboard) {
    navigator.clipboard.writeText(source.textContent).then(() => { button.textContent = 'Copied'; }, byHand);
  } else byHand();
});
if (main) {
  localize(document);
  document.addEventListener('pointermove', read);
  document.addEventListener('visibilitychange', look);
  if (main.dataset.look) timer = setTimeout(look, Number(main.dataset.look));
}
