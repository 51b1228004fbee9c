"""The page: what happens inside of `fit`, on screen. `callbacks.View` shows it."""
