"""Three addresses: insert, claim, decide."""

from django.urls import path

from bench.floor import views

urlpatterns = [
    path("cases", views.insert),
    path("claim", views.claim),
    path("decide", views.decide),
]
