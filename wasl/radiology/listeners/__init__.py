"""What follows from a fact, own or heard from below."""

<<<<<<< HEAD
from wasl.radiology.listeners import reading, results

__all__ = ["reading", "results"]
=======
from wasl.radiology.listeners import exams, linking

__all__ = ["exams", "linking"]
>>>>>>> main
