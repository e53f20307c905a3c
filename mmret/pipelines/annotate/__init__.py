"""From a folder of videos to a verified benchmark of composed video retrieval, stage by stage."""
