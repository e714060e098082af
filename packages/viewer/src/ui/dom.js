// Makes elements. Text only ever becomes text nodes: nothing that was received can turn into markup.

/** @typedef {Node | string | number | false | null | undefined} Child */

/**
 * An element with attributes, listeners (`onclick` and the like) and children.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | undefined | ((event: any) => void)>} [attributes] true: present, false or undefined: absent
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (name.startsWith('--')) element.style.setProperty(name, String(value));
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter(isShown).map(asNode));
  return element;
}

/**
 * The element with this id, which the page is known to have.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/** Whether keys are being typed into a field, so that they are no commands. @param {KeyboardEvent} event */
export function isTyping(event) {
  const target = event.target;
  return target instanceof HTMLElement && target.matches('input, select, textarea, [contenteditable]');
}

/** Says something to people, screen readers included. @param {string} text */
export function notify(text) {
  const notice = byId('notice');
  notice.textContent = text;
  setTimeout(() => {
    if (notice.textContent === text) notice.textContent = '';
  }, 4000);
}

/** @param {Child} child @returns {child is Node | string | number} */
function isShown(child) {
  return child !== false && child !== null && child !== undefined;
}

/** @param {Node | string | number} child */
function asNode(child) {
  return typeof child === 'number' ? String(child) : child;
}
