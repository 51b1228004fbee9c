// Work that waits until its panel is in sight: arrays of megabytes are not fetched for what nobody
// looks at while the training runs.

const NEAR_SIGHT = "400px";

// Answers `request()`: does `act` now where the element is in sight or near it, else once it is.
export function inSight(el, act) {
  let [isSeen, isWanted] = [false, false];
  const observer = new IntersectionObserver(
    ([entry]) => {
      isSeen = entry.isIntersecting;
      if (isSeen && isWanted) request();
    },
    { rootMargin: NEAR_SIGHT },
  );
  observer.observe(el);

  function request() {
    isWanted = !isSeen;
    if (isSeen) act();
  }

  return request;
}
