"""What is kept: the chords to learn, and the sessions in which they were practised."""

from django.db import models


class Chord(models.Model):
    """A chord and its fingering, string by string from the low E; x is not played."""

    name = models.CharField(max_length=8, unique=True)
    fingering = models.CharField(max_length=6)

    class Meta:
        ordering = ("name",)

    def __str__(self):
        return f"{self.name} ({self.fingering})"


class Session(models.Model):
    """Some minutes spent on one chord."""

    chord = models.ForeignKey(Chord, on_delete=models.PROTECT)
    minutes = models.PositiveSmallIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-at",)

    def __str__(self):
        return f"{self.minutes} min {self.chord.name}"
