import { createHash } from 'node:crypto';

/**
 * The page's only script: passkeys, times, and word of changes. Without it everything works but passkeys.
 * It writes text alone, never markup, and loads the page anew, never a form again, only while nothing is in use.
 *
 * T18: a question that was answered elsewhere never gives its place to another one by itself, and buttons take no click in
 * the first moment that they are seen: nobody approves what they had no time to read.
 *
 * T33: once Purser has ended, another user may listen at the page's port. So no passphrase is sent, and no page loaded,
 * before what answers there has shown the token that only this page and its process know.
 */
export const SCRIPT = `
'use strict';
(() => {
  const live = document.getElementById('live');
  const liveBox = document.getElementById('live-box');
  const liveSince = document.getElementById('live-since');
  const say = (text, since) => {
    if (!live) return;
    live.textContent = text;
    liveBox.hidden = text === '';
    liveSince.hidden = !since;
    if (since) { liveSince.firstChild.dateTime = since; tick(); }
  };

  // The secret path of a visit is kept for this very origin, its port too: the bare address then leads back to it.
  const KEPT = 'purser visit';
  const { base, stranger, token } = document.body.dataset;
  try {
    if (base) localStorage.setItem(KEPT, base);
    else if (stranger !== undefined && location.pathname.startsWith('/v/')) localStorage.removeItem(KEPT);
    else if (stranger !== undefined && /^\\/v\\/[0-9a-f]{32}$/.test(localStorage.getItem(KEPT) || '')) {
      location.replace(localStorage.getItem(KEPT) + stranger);
    }
  } catch {}

  const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\\+/g, '-').replace(/\\//g, '_').replace(/=+$/, '');
  const credentials = (list) => (list || []).map((one) => ({ ...one, id: toBytes(one.id) }));

  async function ask(form) {
    const answer = await fetch(form.dataset.options, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.message);
    return body;
  }

  async function sign(options) {
    if (options.pubKeyCredParams) {
      const made = await navigator.credentials.create({ publicKey: {
        ...options, challenge: toBytes(options.challenge), user: { ...options.user, id: toBytes(options.user.id) },
        excludeCredentials: credentials(options.excludeCredentials) } });
      const { response } = made;
      return { id: made.id, rawId: toText(made.rawId), type: made.type, response: {
        clientDataJSON: toText(response.clientDataJSON), attestationObject: toText(response.attestationObject),
        transports: response.getTransports ? response.getTransports() : [] } };
    }
    const got = await navigator.credentials.get({ publicKey: {
      ...options, challenge: toBytes(options.challenge), allowCredentials: credentials(options.allowCredentials) } });
    const { response } = got;
    return { id: got.id, rawId: toText(got.rawId), type: got.type, response: {
      clientDataJSON: toText(response.clientDataJSON), authenticatorData: toText(response.authenticatorData),
      signature: toText(response.signature) } };
  }

  const buttons = () => document.querySelectorAll('button');
  let over = false;
  let gone = false;
  const busy = (on) => buttons().forEach((button) => { button.disabled = on || over || gone; });

  // Whether what answers at this port is the process that made this page.
  async function isHere() {
    try {
      const answer = await fetch(base + '/here');
      if (answer.ok && (await answer.json()).token === token) {
        if (gone) { gone = false; busy(false); say(''); }
        return true;
      }
    } catch {}
    gone = true;
    busy(true);
    say('Purser has ended, and this page with it. Type no passphrase here: another program may answer at this address now.');
    return false;
  }

  document.querySelectorAll('button[data-passkey]').forEach((button) => {
    button.hidden = !window.PublicKeyCredential;
    button.addEventListener('click', async () => {
      touched = true;
      const form = button.form;
      busy(true);
      if (!(await isHere())) return;
      say('Waiting for your passkey.');
      try {
        const { challengeId, options } = await ask(form);
        const response = await sign(options);
        form.elements.challenge_id.value = challengeId;
        form.elements.passkey.value = JSON.stringify(response);
        sent = true;
        form.submit();
      } catch (error) {
        busy(false);
        const gaveUp = error.name === 'NotAllowedError' || error.name === 'AbortError';
        say(gaveUp ? 'The passkey was not used. Nothing was answered.' : error.message);
        button.focus();
      }
    });
  });

  document.addEventListener('click', (event) => {
    if (touched || !event.target.closest('button[aria-disabled]')) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  let touched = false;
  let sent = false;
  let proven = false;
  document.addEventListener('input', () => { touched = true; });
  document.addEventListener('submit', (event) => {
    const key = event.target.querySelector('button[data-passkey]');
    if (key && !event.target.querySelector('button:not([type=button])')) {
      event.preventDefault();
      key.click();
      return;
    }
    sent = true;
    if (!event.target.querySelector('input[name=passphrase]')) return;
    say('Checking.');
    setTimeout(() => busy(true));
    if (proven) return;
    event.preventDefault();
    isHere().then((here) => {
      sent = proven = here;
      if (!here) return;
      busy(false);
      event.target.requestSubmit(event.submitter);
      proven = false;
    });
  });
  document.querySelectorAll('input[name=session_usd]').forEach((amount) => {
    amount.addEventListener('input', () => { document.getElementById('session').checked = true; });
  });

  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const ago = (ms) => {
    const [seconds, minutes, hours] = [1000, 60000, 3600000].map((unit) => Math.max(0, Math.floor(ms / unit)));
    return minutes < 1 ? seconds + ' s ago' : minutes < 60 ? minutes + ' min ago' : hours < 48 ? hours + ' h ago' : Math.floor(hours / 24) + ' days ago';
  };
  function tick() {
    document.querySelectorAll('time[data-until]').forEach((time) => {
      const left = Date.parse(time.dateTime) - Date.now();
      write(time, left <= 0 ? 'no time left' : left < 60000 ? 'less than a minute left' : Math.floor(left / 60000) + ' min left');
    });
    document.querySelectorAll('time[data-since]').forEach((time) => {
      if (time.dateTime) write(time, ago(Date.now() - Date.parse(time.dateTime)));
    });
  }
  setInterval(tick, 1000);

  const main = document.querySelector('main:not([data-changes=""])');

  // What was unfolded stays so when its page is drawn anew.
  const OPEN = 'purser folds';
  const folds = () => [...document.querySelectorAll('details')];
  const keepOpen = () => {
    try { sessionStorage.setItem(OPEN, JSON.stringify([location.href, folds().map((one) => one.open)])); } catch {}
  };
  try {
    const [href, open] = JSON.parse(sessionStorage.getItem(OPEN) || '[]');
    sessionStorage.removeItem(OPEN);
    if (href === location.href) folds().forEach((one, i) => { one.open = open[i] === true; });
  } catch {}
  let told = false;
  async function look() {
    if (document.hidden || sent || (gone && !(await isHere()))) return;
    let now;
    try {
      const answer = await fetch(main.dataset.changes);
      now = await answer.json();
    } catch {}
    await take(now);
  }
  async function take(now) {
    if (!now || now.token !== token) {
      await isHere();
      return;
    }
    if (sent || over || now.version === main.dataset.version) return;
    const inUse = touched || (document.activeElement && document.activeElement.closest('form'));
    const { shown, own } = main.dataset;
    if (!inUse) {
      if (main.dataset.live) {
        keepOpen();
        location.reload();
      }
      else location.assign(now.shown === shown ? location.href : own + (shown === 'pending' ? '?elsewhere=1' : ''));
      return;
    }
    if (now.shown === shown) {
      if (!told) say('Something else changed meanwhile; load the page again to see it.');
      told = true;
      return;
    }
    over = true;
    busy(true);
    say((now.answered ? 'Answered elsewhere: ' : 'It can no longer be answered: ') + now.word + '.', now.answered);
  }
  if (main && main.dataset.live && window.EventSource) {
    // A tab that nobody sees lets its connection go: a browser has few to one origin.
    let events = null;
    const watch = () => {
      if (document.hidden) {
        if (events) events.close();
        events = null;
      } else if (!events) {
        events = new EventSource(main.dataset.changes.replace('/changes', '/events'));
        events.onmessage = (event) => take(JSON.parse(event.data));
        events.onerror = () => isHere();
      }
    };
    watch();
    document.addEventListener('visibilitychange', watch);
    window.addEventListener('pagehide', () => { if (events) events.close(); });
  } else if (main) {
    setInterval(look, main.dataset.live ? 1000 : 2000);
    document.addEventListener('visibilitychange', look);
  }
  if (main) {
    if (main.dataset.shown === 'pending') {
      buttons().forEach((button) => button.setAttribute('aria-disabled', 'true'));
      setTimeout(() => buttons().forEach((button) => button.removeAttribute('aria-disabled')), 500);
    }
  }
})();
`;

/** The script's name in the content security policy. */
export const SCRIPT_HASH = `sha256-${createHash('sha256').update(SCRIPT).digest('base64')}`;
