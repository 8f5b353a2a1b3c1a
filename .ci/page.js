// Runs in a page of a benchmark, in a browser, and leaves a verdict at its end: what is wrong with it, or that nothing is.
// `.ci/page` puts it there; the page itself has no script.
'use strict';
const problems = [];
const shown = (element) => element.getClientRects().length > 0;
const words = (element) => element.textContent.trim().slice(0, 40);
const colour = (css) => css.match(/[\d.]+/g).map(Number);

// The contrast of two colours, as WCAG 2 counts it.
function contrast(one, other) {
  const light = ([red, green, blue]) => [red, green, blue]
    .map((part) => part / 255)
    .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}

function background(element) {
  for (let at = element; at; at = at.parentElement) {
    const [red, green, blue, alpha = 1] = colour(getComputedStyle(at).backgroundColor);
    if (alpha > 0) return [red, green, blue];
  }
  return [255, 255, 255];
}

// Text has 4.5 : 1, and what is drawn 3 : 1, but for a grid, which is there to be overlooked.
function contrasts() {
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    const inside = element.closest('svg');
    if (!shown(element) || (inside && element.localName === 'title')) continue;
    const style = getComputedStyle(element);
    if (own) {
      const ratio = contrast(colour(inside ? style.fill : style.color), background(element));
      if (ratio < 4.5) problems.push(`contrast ${ratio.toFixed(1)}: ${words(element)}`);
    } else if (inside && element.matches('rect, polyline, polygon, .median')) {
      const drawn = element.localName === 'polyline' ? style.stroke : style.fill;
      const ratio = contrast(colour(drawn), background(element));
      if (ratio < 3) problems.push(`contrast ${ratio.toFixed(1)}: ${element.outerHTML.slice(0, 60)}`);
    }
  }
}

// No text of a plot lies on another, or beyond the plot's edge.
function overlaps() {
  for (const plot of [...document.querySelectorAll('svg')].filter(shown)) {
    const edge = plot.getBoundingClientRect();
    const texts = [...plot.querySelectorAll('text')].filter((text) => words(text));
    const boxes = texts.map((text) => ({ box: text.getBoundingClientRect(), text }));
    boxes.forEach(({ box, text }, at) => {
      if (box.left < edge.left - 1 || box.right > edge.right + 1) problems.push(`beyond its plot: ${words(text)}`);
      for (const { box: other, text: next } of boxes.slice(at + 1)) {
        const wide = Math.min(box.right, other.right) - Math.max(box.left, other.left);
        const high = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
        if (wide > 1 && high > 4) problems.push(`on each other: ${words(text)}, ${words(next)}`);
      }
      if (box.height < 10) problems.push(`too small to read: ${words(text)}`);
    });
  }
}

// Every plot has its name and its finding.
function names() {
  for (const plot of document.querySelectorAll('svg[role=img]')) {
    const ids = plot.getAttribute('aria-labelledby').split(' ');
    if (ids.length !== 2 || ids.some((id) => !words(document.getElementById(id) ?? document.createElement('p')))) {
      problems.push(`a plot without words: ${ids}`);
    }
  }
}

function look(theme) {
  const paper = background(document.body);
  const bright = contrast(paper, [0, 0, 0]) > 15;
  if (bright !== (theme === 'light')) problems.push(`paper is ${paper}, in the ${theme} theme`);
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) problems.push(`${wide} wide, in a window of ${innerWidth}`);
  const fetched = performance.getEntriesByType('resource').map((entry) => entry.name);
  if (fetched.length > 0) problems.push(`fetched ${fetched}`);
  if (!document.title.startsWith('transship bench')) problems.push(`the title is ${document.title}`);
  contrasts();
  overlaps();
  names();
}

try {
  look(document.currentScript.dataset.theme);
} catch (error) {
  problems.push(`${error}`);
}
const verdict = document.createElement('pre');
verdict.id = 'verdict';
const plots = [...document.querySelectorAll('svg[role=img]')].filter(shown).length;
verdict.textContent = `${problems.length} problems, ${plots} plots\n${problems.join('\n')}\n`;
document.body.append(verdict);
