import { Conversation } from './conversation.js';
import { Speaker } from './speaker.js';
import { Thread } from './thread.js';

/** @param {string} id */
const find = (id) => /** @type {any} */ (document.getElementById(id));

const [form, text, send, stop, status] = ['composer', 'text', 'send', 'stop', 'status'].map(find);
const thread = new Thread(find('messages'));
const speaker = new Speaker((line) => (status.textContent = line));
let conversation = new Conversation();

/** @param {boolean} isBusy */
function setBusy(isBusy) {
    send.disabled = isBusy;
    stop.hidden = !isBusy;
}

/** What is written begins a story, which the model goes on with. */
async function tell() {
    const begun = text.value.trim();
    if (!begun || send.disabled) return;
    text.value = '';
    setBusy(true);
    const story = conversation.begin(begun);
    const shown = thread.add(story);
    try {
        const { timings, finish } = await speaker.goOn(story, () => shown.update());
        status.textContent = speaker.summary(timings, finish);
    } catch (error) {
        status.textContent = error.message;
    } finally {
        setBusy(false);
        text.focus();
    }
}

form.addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    void tell();
});
text.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void tell();
});
stop.addEventListener('click', () => speaker.stop());
find('new-conversation').addEventListener('click', () => {
    speaker.stop();
    conversation = new Conversation();
    thread.clear();
    text.focus();
});

const { card, info } = await speaker.load();
find('model-line').textContent = `${card.name}: ${info.threads} threads`;
find('mode').textContent = card.about;
