import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hitl.settings.prod")
application = get_wsgi_application()

# What is imported by now stays: the collector need not look at it again and again, and forked pages stay shared.
gc.collect()
gc.freeze()
