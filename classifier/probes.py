"""Prompts written for this project whose verdicts are stored with a model and checked at load."""

from typing import Final

PROBES: Final = (
    "hi",
    "What is the capital of Portugal?",
    "Book it for me.",
    "Translate “good morning” into French, Japanese (日本語) and Arabic (العربية).",
    "def f(x):\n    return x + 1\n\nRename x to total in this function.",
    "A train leaves at 9:40 and arrives at 13:05. How many minutes is it under way?",
    "Let G be a finite group of order p^2 q, p and q prime. Show that G is not simple.",
    "Evaluate $\\int_0^\\infty x^2 e^{-x^2}\\,dx$ and justify every step.",
    "Which of these is a noble gas?\n\nA. Oxygen\nB. Argon\nC. Iron\nD. Chlorine",
    "Design a rate limiter for an API that runs in five regions; analyse how each part may fail.",
    "Summarise this. " + "The committee met on Monday and put the matter off again. " * 120,
)
"""Short and long, plain and marked up, several scripts: each part of the model is touched."""
