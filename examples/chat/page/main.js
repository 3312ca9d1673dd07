import { get, set } from './vendor/idb-keyval.js';
import { confirmed } from './asking.js';
import { Conversations, newConversation, titleOf } from './conversations.js';
import { openStore } from './database.js';
import { find } from './elements.js';
import { BUNDLED, ModelsDialog, failureText, isHere } from './models.js';
import { NO_SETTINGS, SettingsDialog, readSettings } from './settings.js';
import { Sidebar } from './sidebar.js';
import { ShellRefused, shell } from './shell.js';
import { Speaker } from './speaker.js';
import { Thread } from './thread.js';
import { deleteEverything } from './wipe.js';
import { speedText } from './wording.js';

/** @typedef {import('./conversations.js').Conversation} Conversation */

const preferences = openStore('trit-chat-preferences');
const speaker = new Speaker();
const conversations = new Conversations(() => void takeOver());
const thread = new Thread(find('messages'), { edit, regenerate, goOn });
const settingsDialog = new SettingsDialog();
const sidebar = new Sidebar({ open, rename, remove, take, tell });
const models = new ModelsDialog({ load: loadModel, pause: () => speaker.pauseLoading() });

/** Of a conversation that begins. */
let defaults = { ...NO_SETTINGS };
/** @type {Conversation} */
let current = newConversation('story');
let isBusy = false;
/** No model was asked for yet. */
let isStarting = true;
/** @type {{conversation: Conversation, text: string} | undefined} what was to be sent before there was a model */
let waiting;

/** @param {string} sentence */
function tell(sentence) {
    find('status').textContent = sentence;
}

/** Draws everything again. */
function draw() {
    thread.show(current, isBusy);
    find('send').disabled = isBusy || !canSend();
    find('stop').hidden = !isBusy;
    const isStory = current.mode === 'story';
    find('text-label').textContent = isStory ? 'Begin a story' : 'Your message';
    find('send').textContent = isStory ? 'Begin' : 'Send';
    find('mode').textContent = modeText();
    find('mode-choice').hidden = speaker.modes.length < 2 || current.messages.length > 0;
    find('mode-choice').value = current.mode;
    document.title = `${titleOf(current)} – trit`;
}

function modeText() {
    if (speaker.modes.length === 0) return isComing() ? 'The model is being loaded.' : '';
    if (!canSend()) return 'This conversation needs a model that chats: choose one under “Model”.';
    if (current.mode === 'chat') return '';
    if (current.messages.length > 0) return 'Story mode: the model goes on with what you begin.';
    const what =
        speaker.source === BUNDLED.source
            ? 'This is a small test model of 7 million parameters, which knows nothing and cannot chat: '
            : '';
    return `Story mode. ${what}the model goes on with what you begin, such as “Once upon a time”. It does not answer.`;
}

const isComing = () => isStarting || speaker.isLoading;
const canSend = () => speaker.modes.includes(current.mode);

async function refresh() {
    const all = await conversations.all();
    sidebar.show(all, current.id);
}

/** Another tab has changed something: what is open here is shown as it is now, unless it is being written. */
async function takeOver() {
    await refresh();
    if (isBusy || current.revision === 0) return;
    const there = await conversations.get(current.id);
    if (isBusy || there?.revision === current.revision) return;
    if (there === null) return begin();
    current = there;
    draw();
}

async function showMeter() {
    const measured = await speaker.measure(current).catch(() => null);
    find('meter-box').hidden = measured === null;
    if (!measured) return;
    find('meter').value = measured.used / measured.room;
    find('meter-line').textContent = `${measured.used} of ${measured.room} tokens of context`;
}

/** @param {Conversation} conversation */
async function save(conversation) {
    const outcome = await conversations.save(conversation);
    if (outcome === 'copied')
        tell(
            'Another tab has changed this conversation: what stands here is a conversation of its own now.',
        );
    await refresh();
}

/** Lets the model write the last message. */
async function answer() {
    const conversation = current;
    isBusy = true;
    const isFromMessage = find('messages').contains(document.activeElement);
    draw();
    if (isFromMessage) find('stop').focus();
    tell('');
    try {
        const onText = () => conversation === current && thread.grow();
        const result = await speaker.answer(conversation, onText);
        tell(speedText(result));
        find('spoken').textContent = conversation.messages.at(-1)?.text ?? '';
    } catch (error) {
        tell(failureText(error));
    } finally {
        const { messages } = conversation;
        if (messages.at(-1)?.text === '') messages.pop();
        // busy until it is stored: what another tab has made of it meanwhile is not to take its place here
        await save(conversation).catch((error) => tell(`Not kept: ${error.message}`));
        const hadFocus = document.activeElement === find('stop');
        isBusy = false;
        draw();
        if (hadFocus) find('text').focus();
        void showMeter();
    }
}

/** What is written is sent; in story mode it begins a tale. */
async function send() {
    const text = find('text').value;
    if (text.trim() === '') return;
    if (isBusy || !canSend()) return postpone(text);
    find('text').value = '';
    current.messages.push({ role: 'user', text }, { role: 'assistant', text: '' });
    await answer();
    find('text').focus();
}

/** Says why a text is not sent now. */
function refuse() {
    tell(
        isBusy
            ? 'The model is still writing: stop it, or send this when it has ended.'
            : modeText() || 'There is no model yet: choose one under “Model”.',
    );
}

/** It is sent when there is a model, or stays in its field. @param {string} text */
function postpone(text) {
    if (isBusy || !isComing()) return refuse();
    waiting = { conversation: current, text };
    tell('The model is still being loaded. What you have written is sent as soon as it is there.');
}

/** It is sent unless it has become something else meanwhile. */
function sendWaiting() {
    const isSame = waiting?.conversation === current && waiting.text === find('text').value;
    waiting = undefined;
    if (isSame && canSend()) void send();
}

/**
 * A message is sent again in other words. When more than its answer came after it, that stays what it was, and a second
 * conversation begins here.
 * @param {number} index
 * @param {string} text
 */
async function edit(index, text) {
    if (text.trim() === '') return;
    if (isBusy || !canSend()) return refuse();
    const before = current.messages.slice(0, index);
    if (current.messages.length > index + 2) {
        const { title, mode, settings } = current;
        current = newConversation(mode, { title: title && `${title} (2)`, settings });
    }
    current.messages = [...before, { role: 'user', text }, { role: 'assistant', text: '' }];
    await answer();
}

async function regenerate() {
    if (isBusy || !canSend()) return;
    current.messages.splice(-1, 1, { role: 'assistant', text: '' });
    await answer();
}

async function goOn() {
    if (!isBusy && canSend()) await answer();
}

/** @param {Conversation} conversation */
function open(conversation) {
    closeSidebar();
    if (conversation.id === current.id) return;
    speaker.stop();
    current = conversation;
    draw();
    tell('');
    void refresh();
    void showMeter();
}

function begin() {
    open(newConversation(speaker.modes[0] ?? 'story', { settings: { ...defaults } }));
    find('text').focus();
}

/** @param {Conversation} conversation @param {string} title */
async function rename(conversation, title) {
    const own = conversation.id === current.id ? current : conversation;
    own.title = title;
    await save(own);
    draw();
}

/** @param {Conversation} conversation */
async function remove(conversation) {
    await conversations.remove(conversation.id);
    if (conversation.id === current.id) begin();
    await refresh();
}

/** @param {Awaited<ReturnType<typeof import('./exchange.js').readConversations>>} found */
async function take(found) {
    for (const each of found) {
        const { id, revision } = newConversation(each.mode);
        await conversations.save({ ...each, id, revision });
    }
    tell(
        found.length === 1
            ? 'Imported one conversation.'
            : `Imported ${found.length} conversations.`,
    );
    await refresh();
}

/** @param {import('./models.js').Choice} choice @param {(progress: any) => void} onProgress */
async function loadModel(choice, onProgress) {
    const { name, source } = choice;
    find('model-name').textContent = `loading ${name} …`;
    try {
        const loading = speaker.load(choice, (progress) => {
            onProgress(progress);
            if (progress.total)
                find('model-name').textContent =
                    `${name}: ${Math.floor((100 * progress.loaded) / progress.total)} %`;
        });
        draw();
        await loading;
        // an empty conversation is for the model that is there
        if (current.messages.length === 0) current.mode = speaker.modes[0] ?? current.mode;
        const { threads, note, warning } = /** @type {any} */ (speaker.info);
        tell(
            [warning, note].filter(Boolean).join(' ') ||
                `${name} is ready, ${threads} ${threads === 1 ? 'thread' : 'threads'}.`,
        );
        if (typeof source === 'string') await set('model', choice, preferences);
    } finally {
        find('model-name').textContent = speaker.info ? speaker.name : 'none yet';
        draw();
        sendWaiting();
        void showMeter();
        void showShell();
    }
}

/** Whether all is here, and what the browser offers. */
async function showShell() {
    find('install').hidden = !shell.canInstall;
    find('update').hidden = !shell.hasUpdate;
    const { info } = speaker;
    const isHere = speaker.source === BUNDLED.source || Boolean(info?.stored);
    const isOffline = info !== undefined && isHere && (await shell.isKept());
    const works = isOffline ? 'Works without a network.' : 'Runs on this device.';
    find('privacy').textContent = [works, 'Nothing you write leaves it.', shell.note]
        .join(' ')
        .trim();
}

async function wipe() {
    const question = 'Delete all conversations, settings and models that this page keeps?';
    if (!(await confirmed(question, 'Delete everything'))) return;
    speaker.close();
    const still = await deleteEverything();
    if (still.length === 0) return location.reload();
    tell('Other tabs of this page are open: close them, then delete everything again.');
}

function closeSidebar() {
    const hadFocus = find('sidebar').contains(document.activeElement);
    const wasOpen = find('sidebar').classList.contains('open');
    find('sidebar').classList.remove('open');
    find('toggle-sidebar').setAttribute('aria-expanded', 'false');
    if (wasOpen && hadFocus) find('toggle-sidebar').focus();
}

find('toggle-sidebar').addEventListener('click', () => {
    const isOpen = find('sidebar').classList.toggle('open');
    find('toggle-sidebar').setAttribute('aria-expanded', String(isOpen));
});
find('sidebar').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Escape' || !find('sidebar').classList.contains('open')) return;
    event.stopPropagation(); // an answer that is being written goes on
    closeSidebar();
});
find('composer').addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    void send();
});
find('text').addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
});
addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.isComposing || !isBusy) return;
    if (!document.querySelector('dialog[open]')) speaker.stop();
});
find('mode-choice').addEventListener('change', () => {
    current.mode = find('mode-choice').value;
    draw();
});
find('stop').addEventListener('click', () => speaker.stop());
find('new-conversation').addEventListener('click', begin);
find('open-settings').addEventListener('click', () =>
    settingsDialog.open(current.settings, async (settings) => {
        current.settings = settings;
        defaults = { ...settings };
        await set('settings', settings, preferences);
        if (current.messages.length > 0) await save(current);
        void showMeter();
    }),
);
addEventListener('click', ({ target }) => {
    for (const menu of document.querySelectorAll('details.menu[open]'))
        if (!menu.contains(/** @type {Node} */ (target))) menu.removeAttribute('open');
});
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    if (file) models.loadFile(file);
});

find('delete-all').addEventListener('click', () => void wipe());
find('install').addEventListener('click', () => void shell.install());
find('update').addEventListener('click', async () => {
    if (!(await shell.useUpdate()))
        tell('Another tab has the version before: close it, then update again.');
});
shell.addEventListener('change', () => void showShell());

defaults = readSettings(await get('settings', preferences).catch(() => null));
current.settings = { ...defaults };
draw();
void refresh();
/** @type {any} */
const last = await get('model', preferences).catch(() => null);
try {
    await shell.ready;
    const isLastHere = typeof last?.source === 'string' && (await isHere(last));
    isStarting = false;
    await models.load(isLastHere ? last : BUNDLED);
    if (last && !isLastHere)
        tell(
            `${last.name} is not on this device any more: choose it under “Model” to have it again.`,
        );
} catch (error) {
    if (!(error instanceof ShellRefused)) throw error;
    isStarting = false;
    draw();
    tell(error.message); // files that are not those of this page run no engine
}
